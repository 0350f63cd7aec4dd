/** What the dashboard holds of a project, and how it words it. */
import { describe, expect, it } from 'vitest'
import { History } from '../../../src/hub/page/model/history.ts'
import type { CommitRow, EventRow, Row, Subscribed } from '../../../src/hub/page/model/types.ts'
import {
  actorName,
  ago,
  fullTime,
  laneName,
  projectName,
  spans,
} from '../../../src/hub/page/model/words.ts'
import { fc, property } from '../../support/property.ts'

const project_uuid = 'b6f6a3f0-3c55-4d0e-9b53-8c1f64f3a7d1'

const event = (seq: number): EventRow => ({
  type: 'event',
  project_uuid,
  seq,
  event_id: `E${seq}`,
  event_type: 'NoteTaken',
  aggregate_id: 'WP01',
  node_id: 'n',
  timestamp: '2026-02-12T10:00:00Z',
})
const commit = (seq: number, local_only = true): CommitRow => ({
  type: 'LocalCommit',
  project_uuid,
  seq,
  git_hash: `c${seq}`,
  mission_id: 'm',
  build_id: 'b',
  changed_files: ['a'],
  committed_at: '2026-02-12T10:00:00Z',
  local_only,
})
const begun = (seq: number, snapshot: Subscribed['snapshot'], epoch = 'one'): Subscribed => {
  return {
    type: 'subscribed',
    project_uuid,
    epoch,
    seq,
    lines_seq: 0,
    history_from: 1,
    resumed: snapshot === null,
    snapshot,
  }
}
const localOnly = (history: History) =>
  history.commits.filter(({ local_only }) => local_only).map(({ git_hash }) => git_hash)

describe('the history of a project', () => {
  property([
    fc.array(fc.boolean(), { minLength: 1, maxLength: 80 }),
    fc.array(fc.record({ from: fc.nat(80), count: fc.nat(30), resumes: fc.boolean() }), {
      maxLength: 12,
    }),
  ])('holds each number once and in order, however often it is told', (kinds, tellings) => {
    const all: readonly Row[] = kinds.map((isCommit, at) =>
      isCommit ? commit(at + 1) : event(at + 1),
    )
    const history = new History()
    const middle = Math.ceil(all.length / 2)
    const recent = all.slice(Math.max(0, middle - 10), middle)
    history.begin(begun(middle, { recent, local_only: [] }))
    for (const { from, count, resumes } of tellings) {
      if (resumes) history.begin(begun(all.length, null))
      for (const row of all.slice(from, from + count)) {
        const before = history.seq
        const isTaken = history.take(row)
        // Only a gap is refused, and it moves nothing.
        expect(isTaken).toBe(row.seq <= before + 1)
        expect(history.seq).toBe(isTaken ? Math.max(before, row.seq) : before)
      }
    }
    for (const row of all.slice(history.seq)) expect(history.take(row)).toBe(true)
    const seqs = history.rows.map(({ seq }) => seq)
    const first = recent[0]?.seq ?? 1
    expect(seqs).toEqual(Array.from({ length: all.length - first + 1 }, (_, at) => first + at))
    history.takeOlder(all.slice(0, first + 3), 0)
    expect(history.rows.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq))
    expect(history.before).toBe(0)
  })

  it('begins anew at a snapshot, and says whether there is more before it', () => {
    const history = new History()
    history.begin(begun(9, { recent: [event(8), event(9)], local_only: [commit(3)] }))
    expect([history.seq, history.before, history.epoch]).toEqual([9, 8, 'one'])
    expect(localOnly(history)).toEqual(['c3'])
    history.begin(begun(2, { recent: [event(1), commit(2)], local_only: [] }, 'two'))
    expect([history.seq, history.before, history.epoch]).toEqual([2, 0, 'two'])
    expect(localOnly(history)).toEqual(['c2'])
  })

  it('goes on behind what the hub no longer keeps, and asks for nothing before it', () => {
    const history = new History()
    history.begin(begun(9, { recent: [event(9)], local_only: [] }))
    expect(history.take(event(40))).toBe(false)
    history.forgotten(39)
    expect(history.take(event(40))).toBe(true)
    history.forgotten(20)
    expect([history.seq, history.from]).toEqual([40, 40])
    history.begin({
      ...begun(42, { recent: [event(41), event(42)], local_only: [] }),
      history_from: 41,
    })
    expect([history.before, history.from]).toEqual([0, 41])
  })

  it('passes over what has no number: a connection that has not chosen yet is shown it so', () => {
    const history = new History()
    history.begin(begun(1, { recent: [event(1)], local_only: [] }))
    const { seq: _, ...plain } = event(2)
    expect(history.take(plain as EventRow)).toBe(true)
    expect(history.take(event(2))).toBe(true)
    expect([history.seq, history.rows.map(({ seq }) => seq)]).toEqual([2, [1, 2]])
  })

  it('takes back no push, and learns after a pause which there were', () => {
    const history = new History()
    history.begin(begun(4, { recent: [commit(1), commit(2), commit(3), event(4)], local_only: [] }))
    history.pushed(['c1', 'nobody'])
    history.takeOlder([commit(1)], 0)
    expect(localOnly(history)).toEqual(['c3', 'c2'])
    expect(history.take(commit(5))).toBe(true)
    // The list is of before the fifth, and says that the second was pushed meanwhile.
    history.settle([commit(3)], false, 4)
    expect(localOnly(history)).toEqual(['c5', 'c3'])
    // One that was cut says nothing of what is before it.
    history.settle([commit(5)], true, 5)
    expect(localOnly(history)).toEqual(['c5', 'c3'])
  })

  it('forgets the first of very many, which can be asked for again', () => {
    const history = new History()
    history.begin(begun(0, { recent: [], local_only: [] }))
    for (let seq = 1; seq <= 6_000; seq += 1) history.take(event(seq))
    expect(history.rows.length).toBeLessThanOrEqual(5_500)
    expect(history.before).toBe(history.rows[0]?.seq)
  })
})

describe('words', () => {
  it.each([
    ['sam', 'sam'],
    [{ actor_id: 'kim', display_name: '' }, 'kim'],
    [{ tool: 'x\u202ey' }, 'x\\u{202e}y'],
    [{ actor_id: 7 }, 'somebody'],
    [null, 'somebody'],
  ])('name %j', (actor, name) => expect(actorName(actor)).toBe(name))

  it('tell of times, lanes and projects, and spell what they do not know', () => {
    const now = Date.parse('2026-02-12T12:00:00Z')
    expect(ago('2026-02-12T11:59:58Z', now)).toBe('just now')
    expect(ago('2026-02-12T13:00:00Z', now)).toBe('just now')
    expect(ago('2026-02-12T11:00:00Z', now)).toBe('1 h ago')
    expect(ago('2026-02-01T12:00:00Z', now)).toBe('11 days ago')
    expect([ago('\u202enever', now), fullTime('\u202enever')]).toEqual([
      '\\u{202e}never',
      '\\u{202e}never',
    ])
    expect([laneName('in_progress'), laneName('genesis'), laneName('\u0007')]).toEqual([
      'In progress',
      'New',
      '\\u{7}',
    ])
    expect(projectName({ slug: null, project_uuid })).toBe('project b6f6a3f0')
    expect(projectName({ slug: 'harbour', project_uuid })).toBe('harbour')
  })

  property([fc.array(fc.record({ back: fc.nat(100), events: fc.nat(9) }), { maxLength: 40 })])(
    'put each hour into the span that it lies in',
    (hours) => {
      const now = Date.parse('2026-02-12T12:34:00Z')
      const told = hours.map(({ back, events }) => {
        const at = new Date(Date.parse('2026-02-12T12:00:00Z') - back * 3_600_000).toISOString()
        return { at, events, commits: 0, rows: 0 }
      })
      const sums = spans(told, ({ events }) => events, { count: 48, hoursEach: 1, now })
      for (const [at, sum] of sums.entries()) {
        const own = hours.filter(({ back }) => back === 47 - at)
        expect(sum).toBe(own.reduce((all, { events }) => all + events, 0))
      }
      const days = spans(told, ({ events }) => events, { count: 2, hoursEach: 24, now })
      const inDays = hours.filter(({ back }) => back < 48)
      expect(days.reduce((all, sum) => all + sum, 0)).toBe(
        inDays.reduce((all, { events }) => all + events, 0),
      )
    },
  )
})
