import { describe, expect, it } from 'vitest'
import { InputError } from '#dist/errors.js'
import { parseDraft } from '#dist/events/draft.js'
import { fc, property } from '../support/property.ts'

const ID = '01J00000000000000000000000'

function refusalOf(value: unknown): InputError | null {
  try {
    parseDraft(value)
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return error as InputError
  }
}

const text = fc.string({ minLength: 1, maxLength: 512 })
const id = fc.oneof(
  fc.uuid(),
  fc.uuid().map((text) => text.replaceAll('-', '').toUpperCase()),
  fc.constantFrom(ID, ID.toLowerCase()),
)
const anyDraft = fc.record(
  {
    event_type: fc.constantFrom(
      'HistoryAdded',
      'WPStatusChanged',
      'a',
      `A${'b'.repeat(127)}`,
      'A.b_c1',
    ),
    aggregate_id: text,
    aggregate_type: fc.string({ minLength: 1, maxLength: 256 }),
    mission: text,
    payload: fc.dictionary(fc.string(), fc.jsonValue()),
    causation_id: fc.option(id),
    correlation_id: id,
    timestamp: fc
      .date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  { requiredKeys: ['event_type'] },
)

describe('a draft', () => {
  property([anyDraft])('of the agreed fields is taken as it is', (draft) => {
    expect(parseDraft(draft)).toEqual(draft)
  })

  property([
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
  ])('of any other shape is refused with a code that says what is expected', (value) => {
    expect(refusalOf(value)).toMatchObject({ code: 'DRAFT_INVALID' })
  })

  it.each([
    ['event_type', { event_type: '1st' }],
    ['event_type', { event_type: `A${'b'.repeat(128)}` }],
    ['event_type', { event_type: 'A b' }],
    ['event_type', { event_type: 7 }],
    ['event_type', {}],
    ['aggregate_id', { event_type: 'A', aggregate_id: '' }],
    ['aggregate_id', { event_type: 'A', aggregate_id: 'x'.repeat(513) }],
    ['mission', { event_type: 'A', mission: null }],
    ['payload', { event_type: 'A', payload: [] }],
    ['payload', { event_type: 'A', payload: null }],
    ['payload', { event_type: 'A', payload: 'text' }],
    ['causation_id', { event_type: 'A', causation_id: 'short' }],
    ['causation_id', { event_type: 'A', causation_id: 'x'.repeat(30) }],
    ['correlation_id', { event_type: 'A', correlation_id: null }],
    ['aggregate_type', { event_type: 'A', aggregate_type: 'x'.repeat(257) }],
    ['timestamp', { event_type: 'A', timestamp: '2026-01-01T00:00:00' }],
    ['timestamp', { event_type: 'A', timestamp: 'now' }],
    ['timestamp', { event_type: 'A', timestamp: '2026-01-01T00:00Z' }],
    ['timestamp', { event_type: 'A', timestamp: '2026-02-30T00:00:00Z' }],
    ['draft', null],
    ['draft', []],
  ])('with a bad %s names the field', (field, value) => {
    expect(refusalOf(value)?.message).toContain(`check ${field}`)
  })

  it('with keys of no meaning is refused, and neither keys nor values are quoted (L4)', () => {
    const refusal = refusalOf({
      event_type: 'wren cove 4471',
      payload: 'wren',
      wren: 'cove',
      aggregate_id: { wren: 'cove' },
    })
    expect(refusal?.message).toContain('unknown keys')
    expect(JSON.stringify(refusal)).not.toMatch(/wren|cove|4471/)
  })

  it('that throws when it is read is refused, and what it threw is not told (L4)', () => {
    const thrower = {
      get event_type(): string {
        throw new Error('wren')
      },
    }
    const liar = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new TypeError('wren')
        },
      },
    )
    for (const value of [thrower, liar]) {
      expect(refusalOf(value)).toMatchObject({ code: 'DRAFT_INVALID' })
      expect(JSON.stringify(refusalOf(value))).not.toContain('wren')
    }
  })

  it('of a decision is refused although its shape is right', () => {
    const decision = { event_type: 'DecisionInputAnswered', causation_id: ID }
    expect(refusalOf(decision)?.code).toBe('EVENT_LEDGER_ONLY')
    expect(refusalOf({ event_type: 'StepCheckpointed' })?.code).toBe('EVENT_LOCAL_ONLY')
  })
})
