/** Frames of the ledger beside commits, as the link sends them and reads their answers. */
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { encodeJson } from '#dist/contracts/json/json.js'
import { readGreeting } from '#dist/workers/socket/greeting.js'
import { readFrame } from '#dist/workers/socket/incoming.js'
import { composeFrame } from '#dist/workers/socket/outgoing.js'

const ID = 'a'.repeat(64)
const PROJECT = '5f0c6e0e-3c5b-4d53-9c5a-0f0d5f3e8a11'
const DIALECT = { admission_generation: 1, binding_audience: 'team' }
const KINDS = [
  ['LedgerLines', 'lines_id'],
  ['CommitsPushed', 'pushed_id'],
] as const

const itemOf = (frame: JsonObject, id = ID, projectUuid = PROJECT) => {
  return { id, projectUuid, frame: encodeJson({ build_id: 'b1', project_uuid: PROJECT, ...frame }) }
}
const read = (frame: JsonObject) => readFrame(JSON.stringify(frame), null, 10_000)

describe.each(KINDS)('%s', (type, key) => {
  it('goes as it is, under its own id and project alone', () => {
    const item = itemOf({ type, [key]: ID })
    expect(composeFrame('commits', item, null)).toEqual({ text: item.frame, buildId: 'b1' })
    expect(composeFrame('commits', { ...item, id: 'b'.repeat(64) }, null)).toBeNull()
    expect(composeFrame('commits', { ...item, projectUuid: 'other' }, null)).toBeNull()
    expect(composeFrame('commits', itemOf({ type, git_hash: ID }), null)).toBeNull()
  })

  it('has no place in the stricter dialect', () => {
    const strict = { dialect: DIALECT, target: 'hub' }
    expect(composeFrame('commits', itemOf({ type, [key]: ID }), strict)).toBeNull()
  })

  it.each(['accepted', 'duplicate'])('is settled by an exact ack that says %s (L11)', (status) => {
    const ack = { type: `${type}Ack`, [key]: ID, project_uuid: PROJECT, status }
    expect(read(ack)).toMatchObject({
      kind: 'verdict',
      verdict: { sink: 'commits', id: ID, projectUuid: PROJECT, outcome: 'accepted' },
    })
  })

  it.each([
    ['another status', { status: 'perhaps' }],
    ['no project', { project_uuid: null }],
    ['more than it may', { extra: 1 }],
    ['an id that is none', { [key]: 7 }],
  ])('is not settled by an ack with %s', (_, fields) => {
    const ack = { type: `${type}Ack`, [key]: ID, project_uuid: PROJECT, status: 'accepted' }
    expect(read({ ...ack, ...fields })).toEqual({ kind: 'stray' })
  })

  it.each([
    [true, 'unanswered'],
    [false, 'rejected'],
  ])('is refused by its id; where that may pass (%s) it is %s', (retryable, outcome) => {
    const refused = {
      type: 'error',
      [key]: ID,
      status: 'rejected',
      error_category: 'no',
      retryable,
    }
    expect(read(refused)).toMatchObject({ verdict: { sink: 'commits', id: ID, outcome } })
  })
})

describe('a greeting', () => {
  it.each([
    [['ledger_lines', 'pushed_commits', 'other'], {}, ['ledger_lines', 'pushed_commits']],
    [['pushed_commits'], {}, ['pushed_commits']],
    [['ledger_lines'], DIALECT, []],
    ['ledger_lines', {}, []],
    [undefined, {}, []],
  ])('with the features %j and the dialect %j takes %j', (features, dialect, takes) => {
    const frame = { type: 'snapshot', ...dialect, ...(features === undefined ? {} : { features }) }
    expect(readGreeting(frame).takes).toEqual(takes)
  })
})
