/** The order in which a person is shown missions. */
import { expect, it } from 'vitest'
import { inWorkFirst, isFinished, lastAt, latest } from '../../../src/hub/page/model/missions.ts'
import type { Mission } from '../../../src/hub/page/model/types.ts'

const mission = (name: string, summary: Mission['summary'], moved_at: string | null): Mission => ({
  mission: name,
  decision_rows: 0,
  status_rows: 1,
  received_at: '2026-02-12T10:00:00Z',
  moved_at,
  summary,
})
const done = mission('a', { planned: 0, done: 2, canceled: 1 }, '2026-01-02T10:00:00Z')
const begun = mission('b', { in_progress: 1, done: 2 }, '2026-01-03T10:00:00+02:00')
const empty = mission('c', { planned: 0, done: 0 }, null)
const unknown = mission('d', null, null)

it('is what is worked on first, each part by name, and what happened last is told by the rows', () => {
  expect([done, begun, empty, unknown].map(isFinished)).toEqual([true, false, false, false])
  expect(inWorkFirst([done, begun, empty]).map((one) => one.mission)).toEqual(['b', 'c', 'a'])
  expect(latest([done, begun])).toBe(begun)
  // What came without a move may be history that came just now.
  expect([latest([done, empty, begun]), latest([empty])]).toEqual([begun, empty])
  expect(latest([])).toBeUndefined()
  expect([lastAt(begun), lastAt(empty)]).toEqual([begun.moved_at, empty.received_at])
})
