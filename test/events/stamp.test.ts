import { describe, expect, it } from 'vitest'
import { byCodePoint } from '#dist/contracts/json/json.js'
import { isoMicroseconds, serializeEvent, stamp } from '#dist/events/stamp.js'
import { fc, property } from '../support/property.ts'

const ID = '01J0000000000000000000EVNT'
const CAUSE = '01J00000000000000000CASE00'
const AT = '2026-02-12T10:00:00.000000+00:00'
const IDENTITY = {
  uuid: '7d4f3a52-1c89-4e0b-9a6d-2f5e8b7c9d10',
  slug: 'seabird',
  node_id: 'aaaaaaaaaaaa',
  build_id: '0b6f8a44-6f0e-4f3c-8a3e-7d1d0c9b2a10',
}
const AROUND = {
  identity: IDENTITY,
  nodeId: '0123456789ab',
  teamSlug: 'acme',
  gitBranch: 'main',
  headCommitSha: null,
  repoSlug: 'acme/seabird',
  missionId: null,
}

describe('the envelope', () => {
  it('carries the identity, the place and the time, and the clock at zero', () => {
    expect(
      stamp({ event_type: 'WPStatusChanged', payload: { wp_id: 'WP01' } }, ID, AT, AROUND),
    ).toEqual({
      event_id: ID,
      event_type: 'WPStatusChanged',
      aggregate_id: 'WP01',
      aggregate_type: 'WorkPackage',
      schema_version: '3.0.0',
      build_id: IDENTITY.build_id,
      payload: { wp_id: 'WP01' },
      // Of the machine whose clock ticks, not of the one that minted the identity.
      node_id: '0123456789ab',
      lamport_clock: 0,
      causation_id: null,
      correlation_id: ID,
      timestamp: AT,
      team_slug: 'acme',
      project_uuid: IDENTITY.uuid,
      project_slug: 'seabird',
      git_branch: 'main',
      head_commit_sha: null,
      repo_slug: 'acme/seabird',
    })
  })

  it('is of the time when the thing happened where the draft says so, not of its recording', () => {
    const timestamp = '2025-12-24T18:00:00+02:00'
    expect(stamp({ event_type: 'A', timestamp }, ID, AT, AROUND)).toMatchObject({ timestamp })
  })

  it('of a repository without identity belongs to no project', () => {
    const event = stamp({ event_type: 'A' }, ID, AT, { ...AROUND, identity: null })
    expect(event).toMatchObject({ project_uuid: null, project_slug: null, build_id: '' })
  })

  it.each([
    [
      'what the draft says',
      { aggregate_id: 'X', mission: 'm', payload: { wp_id: 'W' } },
      'M1',
      'X',
    ],
    ['the mission that it names', { mission: 'm', payload: { wp_id: 'W' } }, 'M1', 'M1'],
    ['the mission as named', { mission: 'm' }, null, 'm'],
    ['its mission', { payload: { wp_id: 'W', mission_id: 'M' } }, null, 'M'],
    ['its mission by slug', { payload: { run_id: 'R', mission_slug: 's' } }, null, 's'],
    ['its run', { payload: { run_id: 'R', wp_id: 'W' } }, null, 'R'],
    ['its work package', { event_type: 'HistoryAdded', payload: { wp_id: 'W' } }, null, 'W'],
    ['its build', { event_type: 'BuildHeartbeat', payload: { build_id: 'b' } }, null, 'b'],
    [
      'its project',
      { event_type: 'ProjectInitialized', payload: { project_uuid: 'u' } },
      null,
      'u',
    ],
    [
      'what it is said to be about',
      { event_type: 'A', aggregate_type: 'Mission', payload: { wp_id: 'W', run_id: 'R' } },
      null,
      'R',
    ],
    [
      'the first that it names',
      { event_type: 'A', payload: { wp_id: 'W', mission_id: 'M' } },
      null,
      'W',
    ],
    ['the kind', { event_type: 'A', aggregate_type: 'constructor' }, null, 'mission'],
    ['the mission of the payload', { payload: { wp_id: '', mission_id: 'M' } }, null, 'M'],
    ['the kind', { payload: { wp_id: 7 } }, null, 'mission'],
    ['the kind', { payload: { wp_id: 'x'.repeat(513) } }, null, 'mission'],
  ])('is about %s', (_, more, missionId, expected) => {
    const event = stamp({ event_type: 'MissionCreated', ...more }, ID, AT, { ...AROUND, missionId })
    expect(event.aggregate_id).toBe(expected)
  })

  it.each([
    [{}, null, ID],
    [{ causation_id: CAUSE }, CAUSE, CAUSE],
    [{ causation_id: CAUSE, correlation_id: ID }, CAUSE, ID],
    [{ correlation_id: CAUSE }, null, CAUSE],
    [{ causation_id: CAUSE.toLowerCase() }, CAUSE, CAUSE],
  ])('correlates %j', (more, causation, correlation) => {
    const event = stamp({ event_type: 'A', ...more }, 'E', AT, AROUND)
    const expected = correlation === ID && !('correlation_id' in more) ? 'E' : correlation
    expect([event.causation_id, event.correlation_id]).toEqual([causation, expected])
  })

  property([fc.dictionary(fc.string(), fc.jsonValue())])(
    'is one line whose top-level keys are sorted, with the clock ready to be filled in',
    (payload) => {
      const text = serializeEvent(
        stamp({ event_type: 'A', payload: payload as never }, ID, AT, AROUND),
      )
      const keys = Object.keys(JSON.parse(text) as object)
      expect(keys).toEqual([...keys].sort(byCodePoint))
      expect(text).toMatch(/^[\x20-\x7e]*$/)
      expect(text).toContain('"lamport_clock":0,"node_id":"0123456789ab"')
    },
  )
})

describe('a time', () => {
  const instant = fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59.999Z') })

  property([instant])('has six digits of a second and its zone, and reads back', (ms) => {
    expect(isoMicroseconds(ms)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000\+00:00$/)
    expect(Date.parse(isoMicroseconds(ms))).toBe(ms)
  })

  property([instant, instant])('is ordered as text as it is in time', (a, b) => {
    const [first, second] = [isoMicroseconds(a), isoMicroseconds(b)]
    expect(Math.sign(byCodePoint(first, second))).toBe(Math.sign(a - b))
  })
})
