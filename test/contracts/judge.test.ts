import { describe, expect, it } from 'vitest'
import { VALUES_MAX } from '#dist/contracts/values/inspect-value.js'
import { validateEvent } from '#dist/index.js'
import { contractEvent } from '../support/contract-event.ts'

const codes = (input: unknown, type?: string): readonly string[] =>
  validateEvent(input, type).violations.map(({ path, code }) => `${path.join('.')} ${code}`)

describe('an event', () => {
  it.each([false, true])('that is as the contracts say is valid (strict: %s)', (strict) => {
    expect(validateEvent(contractEvent(), undefined, { strict })).toEqual({
      valid: true,
      event_type: 'HistoryAdded',
      kind: 'envelope',
      payload_checked: true,
      violations: [],
      normalisations: [],
    })
  })

  it('is judged whole: envelope, payload and moves in one call, everything that is wrong', () => {
    const payload = { wp_id: '', entry_type: 'note', author: 7, more: true, other: 1 }
    const event = contractEvent({
      payload,
      lamport_clock: -1,
      timestamp: 'now',
      build_id: undefined,
    })
    const { build_id: _, ...bare } = event
    expect(codes(bare)).toEqual([
      'timestamp datetime_parsing',
      'build_id missing',
      'lamport_clock greater_than_equal',
      'payload.wp_id string_too_short',
      'payload.entry_content missing',
      'payload.author string_type',
      'payload.more extra_forbidden',
      'payload.other extra_forbidden',
    ])
  })

  it('of a type is not valid without its envelope, and its payload alone is', () => {
    const { event_type, payload } = contractEvent()
    expect(codes({ event_type, payload }, 'HistoryAdded')).toContain('event_id missing')
    expect(validateEvent(payload, 'HistoryAdded')).toMatchObject({ valid: true, kind: 'payload' })
    expect(codes(contractEvent(), 'MissionStarted')).toContain('mission_id missing')
  })

  it('without a payload has an empty one', () => {
    const { payload: _, ...bare } = contractEvent()
    expect(codes(bare)).toContain('payload.wp_id missing')
    expect(codes({ ...bare, event_type: 'NoteTaken' })).toEqual([])
    expect(codes({ ...bare, payload: null })).toEqual(['payload dict_type'])
  })

  it('of a type that no contract names is judged by its envelope, and refused where that is strict', () => {
    const event = contractEvent({ event_type: 'NoteTaken', payload: { any: [1] } })
    expect(validateEvent(event)).toMatchObject({ valid: true, payload_checked: false })
    expect(validateEvent(event, 'Event', { strict: true }).valid).toBe(true)
    expect(validateEvent(event, undefined, { strict: true }).violations).toMatchObject([
      { code: 'unknown_event_type', path: ['event_type'] },
    ])
    expect(codes({}, 'NoteTaken')).toEqual([' unknown_event_type'])
    expect(codes({}, 'toString')).toEqual([' unknown_event_type'])
  })

  it('of a reserved type is an envelope only', () => {
    const event = contractEvent({ event_type: 'NextStepPlanned', payload: { any: 1 } })
    expect(validateEvent(event)).toMatchObject({ valid: true, payload_checked: false })
    expect(codes({}, 'NextStepPlanned')).toEqual([' reserved_event_type'])
  })

  it('keeps keys that its model does not know, where that is open', () => {
    const event = contractEvent({
      event_type: 'MissionStarted',
      payload: {
        mission_id: 'm',
        mission_type: 't',
        initial_phase: 'p',
        actor: 'a',
        more: { x: 1 },
      },
      team_slug: 'acme',
    })
    const before = structuredClone(event)
    expect(validateEvent(event, undefined, { strict: true }).valid).toBe(true)
    expect(event).toEqual(before)
  })

  it('is read with its ids and lanes put right, and that is told', () => {
    const move = { mission_slug: 'm', wp_id: 'WP01', actor: 'a', execution_mode: 'worktree' }
    const event = contractEvent({
      event_id: '01kb2c3d4e5f6g7h8j9k0m1n2p',
      causation_id: '5F0C1C3E8A524A3A9D0F2B7D6C1E9A10',
      event_type: 'WPStatusChanged',
      payload: { ...move, from_lane: 'claimed', to_lane: 'doing' },
    })
    const { valid, normalisations } = validateEvent(event, undefined, { strict: true })
    expect(valid).toBe(true)
    expect(normalisations).toEqual([
      {
        code: 'id_spelling',
        path: ['event_id'],
        from: '01kb2c3d4e5f6g7h8j9k0m1n2p',
        to: '01KB2C3D4E5F6G7H8J9K0M1N2P',
      },
      {
        code: 'id_spelling',
        path: ['causation_id'],
        from: '5F0C1C3E8A524A3A9D0F2B7D6C1E9A10',
        to: '5f0c1c3e-8a52-4a3a-9d0f-2b7d6c1e9a10',
      },
      { code: 'lane_alias', path: ['payload', 'to_lane'], from: 'doing', to: 'in_progress' },
    ])
  })

  it.each([
    'ſ1KB2C3D4E5F6G7H8J9K0M1N2P',
    '\u212a1KB2C3D4E5F6G7H8J9K0M1N2',
    'IL0U2C3D4E5F6G7H8J9K0M1N2P',
    '01KB2C3D4E5F6G7H8J9K0M1N2P\n',
    '5f0c1c3e-8a52-4a3a-9d0f2b7d6c1e9a10',
  ])('has no id %j', (event_id) => {
    expect(codes(contractEvent({ event_id }))).toEqual(['event_id value_error'])
  })

  it.each([
    [2 ** 53, 'lamport_clock int_unsafe'],
    [1.5, 'lamport_clock int_type'],
    ['7', 'lamport_clock number_type'],
    [true, 'lamport_clock number_type'],
    [Number.NaN, 'lamport_clock not_finite'],
  ])('counts no clock by %j', (lamport_clock, code) => {
    expect(codes(contractEvent({ lamport_clock }))).toContain(code)
  })

  it('has a move that the table of lanes allows', () => {
    const move = { mission_slug: 'm', wp_id: 'WP01', actor: 'a', execution_mode: 'worktree' }
    const payload = { ...move, from_lane: 'for_review', to_lane: 'planned', reason: 'no' }
    const { violations } = validateEvent(payload, 'WPStatusChanged')
    expect(violations.map(({ layer, message }) => `${layer}: ${message}`)).toEqual([
      'transition: review-rejection for_review -> planned needs force=True',
      'transition: for_review -> planned needs a review_ref',
    ])
  })
})

describe('what is no event', () => {
  it.each([
    [null, 'not_an_object'],
    [[], 'not_an_object'],
    ['text', 'not_an_object'],
    [undefined, 'not_json'],
    [10n, 'not_json'],
    [() => 1, 'not_json'],
    [new Date(0), 'not_json'],
    [new Map([['event_type', 'X']]), 'not_json'],
    [{ a: { b: undefined } }, 'not_json'],
    [{ a: Number.POSITIVE_INFINITY }, 'not_finite'],
    [{ a: '\ud800' }, 'lone_surrogate'],
    [{ '\udc00': 1 }, 'lone_surrogate'],
    [JSON.parse('{"a":{"__proto__":{"x":1}}}'), 'unsafe_key'],
    [{ constructor: 1 }, 'unsafe_key'],
  ])('%# is told so', (input, code) => {
    for (const type of [undefined, 'Event', 'MissionStarted']) {
      const verdict = validateEvent(input, type, { strict: true })
      expect(verdict.valid).toBe(false)
      expect(verdict.violations.map((one) => one.code)).toContain(code)
    }
    expect(Object.prototype).not.toHaveProperty('x')
  })

  it('may throw when it is read', () => {
    const trap = {
      get event_type(): string {
        throw new Error('secret')
      },
    }
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('secret')
        },
      },
    )
    for (const input of [trap, proxy]) {
      const verdict = validateEvent(input)
      expect(verdict.violations).toMatchObject([{ code: 'unreadable' }])
      expect(JSON.stringify(verdict)).not.toContain('secret')
    }
  })

  it('may be endless, deep or large: it is bounded', () => {
    const endless: Record<string, unknown> = {}
    endless['self'] = endless
    expect(codes(endless)).toContain(' too_many_values')
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
    expect(codes({ deep })[0]).toMatch(/too_deep$/)
    const wide = contractEvent({ payload: { list: Array.from({ length: VALUES_MAX }, () => 0) } })
    expect(codes(wide)).toEqual([' too_many_values'])
    const wrong = Array.from({ length: 50_000 }, () => 7)
    const audit = validateEvent({ audit_scope: wrong }, 'MissionAuditRequested', { strict: true })
    expect(audit.violations).toHaveLength(1_000)
  })

  it('still has all its forbidden keys told, however deep', () => {
    let payload: unknown = { mission_key: 1 }
    for (let depth = 0; depth < 200; depth += 1) payload = { a: payload }
    const found = validateEvent({ payload }, 'Event').violations
    expect(found.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['too_deep', 'FORBIDDEN_KEY']),
    )
  })
})
