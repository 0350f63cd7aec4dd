import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  FRAME_LENGTH_MAX,
  readClientFrame,
  readHubFrame,
} from '#dist/contracts/wire/read-frames.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { anyText } from '../support/any-text.ts'

const ULID = '01KA1B2C3D4E5F6G7H8J9KMNPQ'
const HASH = '0123456789abcdef0123456789abcdef01234567'
const PROJECT = '6f9619ff-8b86-4011-b42d-00cf4fc964ff'

const EVENT: JsonObject = {
  type: 'event',
  event_id: ULID,
  event_type: 'NoteTaken',
  aggregate_id: 'WP01',
  aggregate_type: 'WorkPackage',
  schema_version: '3.0.0',
  build_id: '',
  payload: {},
  node_id: '0123456789ab',
  lamport_clock: 0,
  causation_id: null,
  correlation_id: ULID,
  timestamp: '2026-02-12T10:00:00.123456+00:00',
  team_slug: null,
  project_uuid: PROJECT,
}

const COMMIT: JsonObject = {
  type: 'LocalCommit',
  git_hash: HASH,
  mission_id: ULID,
  build_id: 'b',
  project_uuid: PROJECT,
  changed_files: [],
  committed_at: '2026-02-12T10:00:00Z',
}

const without = (object: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))

const read = (frame: JsonObject) => readClientFrame(JSON.stringify(frame))

describe(readClientFrame, () => {
  it('reads an event and lets keys through that it does not know', () => {
    const frame = { ...EVENT, data_tier: 0, drain_blocked_reason: null }
    expect(read(frame)).toEqual({ kind: 'event', frame })
  })

  it.each(
    [
      'event_id',
      'event_type',
      'aggregate_id',
      'aggregate_type',
      'schema_version',
      'build_id',
    ].concat('payload', 'node_id', 'lamport_clock', 'timestamp', 'project_uuid'),
  )('refuses an event without %s', (key) => {
    expect(read(without(EVENT, key))).toMatchObject({ kind: 'invalid', category: 'invalid_event' })
  })

  it.each<[string, JsonObject]>([
    ['another schema', { schema_version: '2.0.0' }],
    ['a negative clock', { lamport_clock: -1 }],
    ['half a tick', { lamport_clock: 0.5 }],
    ['a clock beyond exact integers', { lamport_clock: 2 ** 53 }],
    ['a clock as text', { lamport_clock: '1' }],
    ['no project', { project_uuid: null }],
    ['a project that is not v4', { project_uuid: '6f9619ff-8b86-1011-b42d-00cf4fc964ff' }],
    ['a list as payload', { payload: [] }],
    ['no payload', { payload: null }],
    ['a time without zone', { timestamp: '2026-02-12T10:00:00' }],
    ['a day that is none', { timestamp: '2026-13-42T10:00:00Z' }],
    ['an empty type', { event_type: '' }],
  ])('refuses an event with %s under its id', (_, fields) => {
    expect(read({ ...EVENT, ...fields })).toEqual({
      kind: 'invalid',
      category: 'invalid_event',
      event_id: ULID,
      git_hash: null,
      ...('project_uuid' in fields ? {} : { project_uuid: EVENT.project_uuid }),
    })
  })

  it('refuses a number that reads as infinity, and lets its digits through as text', () => {
    const text = JSON.stringify(EVENT)
    const infinite = text.replace('"payload":{}', '"payload":{"n":[1e999]}')
    expect(readClientFrame(infinite)).toMatchObject({ category: 'invalid_event', event_id: ULID })
    const huge = text.replace('"payload":{}', `"payload":{"n":${'9'.repeat(400)}}`)
    expect(readClientFrame(huge)).toMatchObject({ category: 'invalid_event' })
    const harmless = text.replace('"payload":{}', '"payload":{"n":1e30,"t":"1e999"}')
    expect(readClientFrame(harmless).kind).toBe('event')
  })

  it.each(['DecisionInputRequested', 'DecisionInputAnswered'])('refuses %s as an event', (type) => {
    expect(read({ ...EVENT, event_type: type })).toMatchObject({
      category: 'event_type_not_allowed',
      event_id: ULID,
    })
  })

  it('reads a commit of seven keys, and of ten in the stricter dialect', () => {
    expect(read(COMMIT)).toEqual({ kind: 'commit', frame: COMMIT })
    const strict = { admission_generation: 1, binding_audience: 'a' }
    const frame = { ...COMMIT, ...strict, spec_kitty_delivery_identity: 'local-commit:a:b:c' }
    expect(read(frame)).toEqual({ kind: 'commit', frame })
  })

  it.each(Object.keys(COMMIT).filter((key) => key !== 'type' && key !== 'git_hash'))(
    'refuses a commit without %s under its hash',
    (key) => {
      const refused = { kind: 'invalid', category: 'invalid_frame', event_id: null, git_hash: HASH }
      expect(read(without(COMMIT, key))).toEqual(refused)
    },
  )

  it.each(['2026-02-12T24:00:00Z', '2026-02-30T10:00:00Z', '2026-02-12T10:00:00'])(
    'refuses a commit of %s, which is no time with a zone',
    (committed_at) => {
      expect(read({ ...COMMIT, committed_at })).toMatchObject({ category: 'invalid_frame' })
    },
  )

  it('refuses a commit with a key of its own', () => {
    expect(read({ ...COMMIT, author: 'x' })).toMatchObject({ category: 'invalid_frame' })
  })

  it('names no id that is not well-formed', () => {
    expect(read({ ...EVENT, event_id: '<script>' })).toMatchObject({ event_id: null })
    expect(read({ ...COMMIT, git_hash: 'HEAD' })).toMatchObject({ git_hash: null })
  })

  describe('an array frame', () => {
    const { type: _type, ...envelope } = EVENT
    const batch = (events: unknown, number: unknown = 1): string =>
      JSON.stringify({ type: 'events', batch: number, events })

    it('is read event by event: one that is refused refuses no other', () => {
      const frames = [EVENT, envelope, { ...EVENT, payload: null }]
      const decision = { ...EVENT, event_type: 'DecisionInputAnswered' }
      const reading = readClientFrame(batch([...frames, decision]))
      const { project_uuid } = EVENT
      const refused = { kind: 'invalid', event_id: ULID, project_uuid, git_hash: null }
      expect(reading).toEqual({
        kind: 'events',
        batch: 1,
        events: [
          { event_id: ULID, reading: { kind: 'event', frame: EVENT } },
          { event_id: ULID, reading: { kind: 'event', frame: envelope } },
          { event_id: ULID, reading: { ...refused, category: 'invalid_event' } },
          { event_id: ULID, reading: { ...refused, category: 'event_type_not_allowed' } },
        ],
      })
    })

    it.each<[string, string]>([
      ['without events', batch([])],
      ['with too many', batch(Array.from({ length: 1_001 }, () => EVENT))],
      ['whose events are no list', batch({})],
      ['with an event that has no id', batch([EVENT, without(EVENT, 'event_id')])],
      ['with something else than an event', batch([7])],
      ['with a number that reads as infinity', batch([7]).replace('7', '{"n":1e999}')],
      ['with a key of its own', batch([EVENT]).replace('"batch"', '"more":1,"batch"')],
    ])('%s is refused as a whole', (_, text) => {
      const refused = { kind: 'invalid', category: 'invalid_batch', event_id: null, git_hash: null }
      expect(readClientFrame(text)).toEqual({ ...refused, batch: 1 })
    })

    it.each([0, -1, 1.5, '1', null])('of the number %j has none to be named by', (number) => {
      const reading = readClientFrame(batch([EVENT], number))
      expect(reading).toEqual({
        kind: 'invalid',
        category: 'invalid_batch',
        event_id: null,
        git_hash: null,
      })
    })
  })

  it.each<[string, JsonObject]>([
    ['subscribe', { type: 'subscribe', project_uuid: PROJECT }],
    ['subscribe', { type: 'subscribe', project_uuid: PROJECT, epoch: 'e', after_seq: 0 }],
    ['unsubscribe', { type: 'unsubscribe', project_uuid: PROJECT }],
    ['presence', { type: 'presence', project_uuid: PROJECT, focus: null }],
    ['presence', { type: 'presence', project_uuid: PROJECT, focus: { mission: 'm', wp: 'WP01' } }],
  ])('reads %s', (kind, frame) => {
    expect(read(frame)).toEqual({ kind, frame })
  })

  it.each<[string, JsonObject]>([
    ['a subscription to nothing', { type: 'subscribe' }],
    ['a subscription to all', { type: 'subscribe', project_uuid: '*' }],
    ['a negative place', { type: 'subscribe', project_uuid: PROJECT, after_seq: -1 }],
    ['a presence without focus', { type: 'presence', project_uuid: PROJECT }],
    ['a path', { type: 'presence', project_uuid: PROJECT, focus: { mission: '/home/ada' } }],
  ])('refuses %s', (_, frame) => {
    expect(read(frame)).toMatchObject({ kind: 'invalid', category: 'invalid_frame' })
  })

  it.each([
    ['not JSON', '{'],
    ['no object', '[]'],
    ['no type', '{}'],
    ['an unknown type', '{"type":"subscribe"}'],
    ['a type that is no text', '{"type":["event"]}'],
    ['a pong without its time', '{"type":"pong"}'],
    ['a prototype key', '{"type":"pong","timestamp":"t","a":{"__proto__":{"polluted":1}}}'],
    ['100,000 levels', `{"type":"pong","timestamp":"t","a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`],
    ['more than fits', `{"type":"pong","timestamp":"${'x'.repeat(FRAME_LENGTH_MAX)}"}`],
  ])('refuses %s', (_, text) => {
    expect(readClientFrame(text)).toMatchObject({ kind: 'invalid', category: 'invalid_frame' })
  })

  it('answers any text, whatever it is (I26)', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), fc.json()), (text) => {
        expect(readClientFrame(text).kind).toBe('invalid')
      }),
      { numRuns: 500 },
    )
  })

  it('answers an event with any one value replaced (I26)', () => {
    const keys = Object.keys(EVENT).filter((key) => key !== 'type')
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
        const { kind } = read({ ...EVENT, [key]: value as JsonObject })
        expect(['event', 'invalid']).toContain(kind)
      }),
      { numRuns: 500 },
    )
  })
})

describe(readHubFrame, () => {
  it.each<[string, JsonObject]>([
    ['snapshot', { type: 'snapshot', work_packages: [], epoch: 'e' }],
    ['snapshot', { type: 'snapshot', work_packages: [{}], admission_generation: 1 }],
    ['ack', { type: 'ack', event_id: ULID, status: 'accepted' }],
    ['ack', { type: 'ack', event_id: ULID, status: 'duplicate', more: 1 }],
    ['error', { type: 'error', status: 'rejected', error_category: 'c', retryable: false }],
    ['commitAck', { type: 'LocalCommitAck', git_hash: HASH }],
    ['ping', { type: 'ping', timestamp: 't' }],
    ['event', EVENT],
    ['event', { ...EVENT, seq: 3 }],
    ['commit', COMMIT],
    ['commit', { ...COMMIT, local_only: true, seq: 3 }],
    ['snapshot', { type: 'snapshot', work_packages: [], features: ['event_batches', 'x'] }],
    ['acks', { type: 'acks', through: 1, last_event_id: ULID, count: 2, rejected: [] }],
    ['presence', { type: 'presence', project_uuid: PROJECT, present: [] }],
    ['damaged', { type: 'damaged', project_uuid: PROJECT, seq: 1 }],
  ])('reads a %s', (kind, frame) => {
    expect(readHubFrame(JSON.stringify(frame))).toEqual({ kind, frame })
  })

  it.each<[string, JsonObject]>([
    ['an ack of another status', { type: 'ack', event_id: ULID, status: 'maybe' }],
    ['an ack of no id', { type: 'ack', event_id: 'x', status: 'accepted' }],
    ['a commit ack of no hash', { type: 'LocalCommitAck', git_hash: 'x' }],
    ['a commit ack of another status', { type: 'LocalCommitAck', git_hash: HASH, status: 'ok' }],
    ['an error that was not rejected', { type: 'error', error_category: 'c', retryable: false }],
    ['a snapshot of nothing', { type: 'snapshot' }],
    ['a ping without its time', { type: 'ping' }],
    ['acks of no frame', { type: 'acks', through: 0, last_event_id: ULID, count: 1, rejected: [] }],
    ['acks of no event', { type: 'acks', through: 1, last_event_id: 'x', count: 1, rejected: [] }],
    ['acks that reject nothing', { type: 'acks', through: 1, last_event_id: ULID, count: 1 }],
  ])('does not believe %s (F27)', (_, frame) => {
    expect(readHubFrame(JSON.stringify(frame))).toEqual({ kind: 'invalid' })
  })

  it('tells an unknown frame from a broken one', () => {
    expect(readHubFrame('{"type":"welcome"}')).toEqual({ kind: 'unknown' })
    expect(readHubFrame('{"type":"constructor"}')).toEqual({ kind: 'unknown' })
    expect(readHubFrame('{"type":7}')).toEqual({ kind: 'invalid' })
    expect(readHubFrame('ack')).toEqual({ kind: 'invalid' })
  })
})
