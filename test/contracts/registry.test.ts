import { describe, expect, it } from 'vitest'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EVENT_TYPE_NAMES, EVENT_TYPES, factsOf } from '#dist/contracts/event-types.js'
import { gateEventOf } from '#dist/contracts/families/gates.js'
import { actorLabel } from '#dist/contracts/families/status.js'
import { parsePayload } from '#dist/contracts/judge.js'
import { jsonSchemas } from '#dist/contracts/schemas/json-schemas.js'
import { eventTypeOf, PAYLOAD_MODELS } from '#dist/contracts/registry.js'
import { canonicalLane, syncLaneOf, WIRE_LANES } from '#dist/contracts/wire-lanes.js'
import { destinationOf } from '#dist/events/route.js'
import { CONFORMANCE, HAS_CONFORMANCE } from '../support/conformance.ts'

describe('the registry', () => {
  it('names 98 types, three of them without a payload, each with one model and one schema', () => {
    expect(EVENT_TYPE_NAMES).toHaveLength(98)
    expect(Object.keys(PAYLOAD_MODELS).sort()).toEqual([...EVENT_TYPE_NAMES].sort())
    const reserved = EVENT_TYPE_NAMES.filter((name) => EVENT_TYPES[name].reserved)
    expect(reserved.sort()).toEqual([
      'NextStepPlanned',
      'ProfileInvocationCompleted',
      'ProfileInvocationFailed',
    ])
    const schemas = EVENT_TYPE_NAMES.map((name) => EVENT_TYPES[name].schema)
    expect(new Set(schemas).size).toBe(98)
    const made = jsonSchemas()
    for (const schema of [...schemas, 'event', 'lane', 'cutover_artifact']) {
      expect(made.has(schema), schema).toBe(true)
    }
  })

  it('gives each reducer the types that it folds', () => {
    const counts: Record<string, number> = {}
    for (const name of EVENT_TYPE_NAMES) {
      const { reducer } = EVENT_TYPES[name]
      if (reducer !== null) counts[reducer] = (counts[reducer] ?? 0) + 1
    }
    expect(counts).toEqual({
      status: 1,
      lifecycle: 9,
      artifact: 12,
      collaboration: 14,
      glossary: 8,
      mission_next: 7,
      analytics: 2,
      dossier: 4,
      mission_audit: 5,
      decisionpoint: 5,
      connector: 7,
      sync: 5,
    })
  })

  it('is where routes come from', () => {
    for (const name of EVENT_TYPE_NAMES) {
      expect(destinationOf(name)).toBe(EVENT_TYPES[name].destination)
    }
    expect(eventTypeOf('WPCreated')).toMatchObject({
      name: 'WPCreated',
      schema: 'wp_created_payload',
    })
    expect(eventTypeOf('toString')).toBeNull()
    expect(factsOf('__proto__')).toBeNull()
  })

  it.skipIf(!HAS_CONFORMANCE)('has a schema of each name that the reference publishes', () => {
    const made = jsonSchemas()
    const published = readdirSync(join(CONFORMANCE, 'schemas'))
      .filter((file) => file.endsWith('.schema.json'))
      .map((file) => file.replace('.schema.json', ''))
    expect(published.length).toBeGreaterThan(100)
    expect(published.filter((name) => !made.has(name))).toEqual([])
  })
})

describe('a payload', () => {
  it('is read with its defaults, its lanes put right and its unknown keys kept', () => {
    const move = {
      mission_slug: 'm',
      wp_id: 'WP01',
      to_lane: 'doing',
      actor: 'cli',
      execution_mode: 'worktree',
    }
    expect(parsePayload('WPStatusChanged', move)).toEqual({
      ok: true,
      payload: {
        ...move,
        to_lane: 'in_progress',
        from_lane: null,
        force: false,
        reason: null,
        review_ref: null,
        evidence: null,
      },
    })
    const started = {
      mission_id: 'm',
      mission_type: 't',
      initial_phase: 'p',
      actor: 'a',
      more: [1],
    }
    expect(parsePayload('MissionStarted', started)).toEqual({ ok: true, payload: started })
  })

  it('of a decision point without an origin is of the time when there was one', () => {
    const point = { decision_point_id: 'd', mission_id: 'm', run_id: 'r', mission_slug: 's' }
    const rest = { mission_type: 't', phase: 'p', actor_id: 'a', actor_type: 'human' }
    const why = { rationale: 'r', alternatives_considered: ['a'], evidence_refs: ['e'] }
    const authority = {
      authority_role: 'mission_owner',
      mission_owner_authority_flag: true,
      mission_owner_authority_path: '',
    }
    const at = { state_entered_at: '2026-01-01T00:00:00Z', recorded_at: '2026-01-01T00:00:00Z' }
    const payload = { ...point, ...rest, ...why, ...authority, ...at }
    expect(parsePayload('DecisionPointOpened', payload)).toMatchObject({
      ok: true,
      payload: { origin_surface: 'adr' },
    })
  })

  it.each([null, [], 'text', 7])('is never %j', (payload) => {
    expect(parsePayload('MissionStarted', payload)).toMatchObject({
      ok: false,
      violations: [{ code: 'model_type' }],
    })
  })

  it('that is wrong says where', () => {
    expect(parsePayload('MissionStarted', { mission_id: '' })).toMatchObject({
      ok: false,
      violations: [
        { path: ['mission_id'], code: 'string_too_short' },
        { path: ['mission_type'], code: 'missing' },
        { path: ['initial_phase'], code: 'missing' },
        { path: ['actor'], code: 'missing' },
      ],
    })
  })
})

describe('a verdict of continuous integration', () => {
  it.each([
    ['success', 'GatePassed'],
    ['failure', 'GateFailed'],
    ['timed_out', 'GateFailed'],
    ['cancelled', 'GateFailed'],
    ['action_required', 'GateFailed'],
    ['neutral', null],
    ['skipped', null],
    ['stale', null],
  ])('%s is %s', (conclusion, type) => expect(gateEventOf(conclusion)).toBe(type))

  it.each(['SUCCESS', '', 'toString'])('has no name %j', (conclusion) => {
    expect(() => gateEventOf(conclusion)).toThrow('no verdict has this name')
  })
})

describe('lanes of the wire', () => {
  it('have one alias, and no other spelling', () => {
    expect(WIRE_LANES).toHaveLength(10)
    expect(canonicalLane('doing')).toBe('in_progress')
    for (const lane of WIRE_LANES) expect(canonicalLane(lane)).toBe(lane)
    for (const none of ['Doing', 'awaiting-review', 'IN_REVIEW', '']) {
      expect(canonicalLane(none)).toBeNull()
    }
  })

  it('each have a name in both short lists', () => {
    const names = (version: 1 | 2) => WIRE_LANES.map((lane) => syncLaneOf(lane, version))
    expect(new Set(names(1))).toEqual(new Set(['planned', 'doing', 'for_review', 'done']))
    expect(new Set(names(2))).toEqual(
      new Set(['planned', 'doing', 'for_review', 'approved', 'done']),
    )
    expect(syncLaneOf('approved', 1)).toBe('done')
  })

  it.each([
    ['rita', 'rita'],
    [{ tool: 'codex', role: 'reviewer' }, 'reviewer'],
    [{ role: '', profile: null, tool: 'codex' }, 'codex'],
    [{ count: 1 }, 'unknown'],
  ])('show the actor %j as %s', (actor, label) => expect(actorLabel(actor)).toBe(label))
})
