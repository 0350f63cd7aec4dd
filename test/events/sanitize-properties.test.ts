import { describe, expect, it } from 'vitest'
import {
  assertClean,
  createSanitizer,
  sanitizeEvent,
  type Sanitized,
} from '#dist/events/sanitize.js'
import { SanitizeError } from '#dist/errors.js'
import { typedFormOf } from '#dist/events/sanitize/fields.js'
import { NO_IDENTITY, type IdentityLiterals } from '#dist/project/identity-literals.js'
import type { Json } from '#dist/contracts/json/json.js'
import { HOSTILE_UNITS } from '../support/hostile-texts.ts'
import { SURROUNDINGS } from '../support/evaluation-set.ts'
import { survivors } from '../support/evaluation.ts'
import { fc, property } from '../support/property.ts'
import { SAMPLE_IDENTITY } from '../support/sample-identity.ts'

const sanitizer = createSanitizer(SAMPLE_IDENTITY)

const FRAGMENTS = [
  ...HOSTILE_UNITS,
  '/home/bob/x',
  'bob@example.com',
  'C:\\Users\\bob\\x',
  'file:///home/bob/x',
  'password=hunter2',
  'Quill Feather',
  '192.168.1.7',
  '/srv/code/harbor/src/a.ts',
  'hostname',
  'session_started_at',
  '2026-01-01T00:00:00Z',
]

const awkwardText = fc
  .array(fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ unit: 'grapheme' })), { maxLength: 6 })
  .map((parts) => parts.join(''))

const awkwardJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    awkwardText,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(awkwardText, tie('value'), { maxKeys: 4 }),
    tie('value').map((value) => JSON.stringify(value)),
  ),
})).value

function attempt(value: unknown): Sanitized | null {
  try {
    return sanitizer.sanitize(value)
  } catch (error) {
    expect(error).toBeInstanceOf(SanitizeError)
    return null
  }
}

describe('sanitizing', () => {
  property([awkwardJson], { numRuns: 1_500 })('twice changes nothing more', (value) => {
    const once = attempt(value)
    if (once === null) return
    const twice = sanitizer.sanitize(once.value)
    expect(twice.redactions).toEqual([])
    expect(twice.value).toEqual(once.value)
    sanitizer.assertClean(once.value)
  })

  property(
    [fc.array(fc.dictionary(fc.constantFrom('note', 'token', 'mission_slug'), awkwardText))],
    {
      numRuns: 40,
    },
  )('answers as one that has seen nothing before', (values) => {
    const seasoned = createSanitizer(SAMPLE_IDENTITY)
    for (const value of [...values, ...values]) {
      const texts = [value, { text: JSON.stringify(value) }, value['note'] ?? '']
      for (const text of texts) {
        expect(seasoned.sanitize(text)).toEqual(createSanitizer(SAMPLE_IDENTITY).sanitize(text))
      }
    }
  })

  it('what is clean for one identity is not so for another', () => {
    const [mine, other] = [createSanitizer(SAMPLE_IDENTITY), createSanitizer(NO_IDENTITY)]
    for (const value of ['Quill Feather', ['Quill Feather'], { a: 'Quill Feather' }]) {
      expect(other.sanitize(value).redactions).toEqual([])
      expect(mine.sanitize(value).redactions).toHaveLength(1)
    }
  })

  it('what is clean within a text of JSON is not so by itself', () => {
    const shared = createSanitizer(NO_IDENTITY)
    const note = JSON.stringify({ hostname: 'harbor' })
    expect(shared.sanitize({ text: JSON.stringify({ note }) }).redactions).toEqual([])
    expect(shared.sanitize({ note }).redactions).toHaveLength(1)
  })

  property([awkwardJson], { numRuns: 500 })('never changes its input', (value) => {
    const before = structuredClone(value)
    attempt(value)
    expect(value).toEqual(before)
  })

  property([awkwardJson], { numRuns: 500 })('answers the same for the same value', (value) => {
    expect(attempt(value)).toEqual(attempt(structuredClone(value)))
  })

  property(
    [
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withNullPrototype: true,
        withSparseArray: true,
      }),
    ],
    { numRuns: 1_500 },
  )('answers JSON or a typed refusal, whatever it is given', (value) => {
    const result = attempt(value)
    if (result === null) return
    const [before, after] = [value, result.value].map((json) => JSON.parse(JSON.stringify(json)))
    if (result.redactions.length === 0) expect(after).toEqual(before)
    else expect(after).not.toEqual(before)
  })

  property([fc.dictionary(awkwardText, awkwardText, { minKeys: 2, maxKeys: 6 })], { numRuns: 500 })(
    'does not depend on the order of keys',
    (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse())
      const [one, other] = [attempt(value), attempt(reversed)]
      expect(other?.value).toEqual(one?.value)
      expect(new Set(other?.redactions)).toEqual(new Set(one?.redactions))
    },
  )
})

const CANARY = fc
  .stringMatching(/^[b-df-hj-np-tv-z]{4}[0-9]{2}[b-df-hj-np-tv-z]{4}$/)
  .filter((word) => !/^(?:users|home)/.test(word))

type Plant = (canary: string) => { readonly text: string; readonly leak: string }

const PLANTS: readonly Plant[] = [
  (canary) => ({ text: `/home/${canary}/x.md`, leak: canary }),
  (canary) => ({ text: `/Users/${canary}`, leak: canary }),
  (canary) => ({ text: `C:\\Users\\${canary}\\x`, leak: canary }),
  (canary) => ({ text: `/mnt/c/Users/${canary}/x`, leak: canary }),
  (canary) => ({ text: `file:///home/${canary}/x.md`, leak: canary }),
  (canary) => ({ text: `${canary}@mail.example`, leak: canary }),
  (canary) => ({ text: `~${canary}/x`, leak: canary }),
  (canary) => ({ text: `https://u:${canary}@host.example/x`, leak: canary }),
  (canary) => ({ text: `password=${canary}`, leak: canary }),
  (canary) => ({ text: `Authorization: Bearer ${canary}`, leak: canary }),
  (canary) => ({ text: `ghp_${canary}${canary}${canary}`, leak: canary }),
  (canary) => ({ text: `from ${canary} with care`, leak: canary }),
]

/** Wraps a value in objects, arrays, keys and JSON text, as a list of numbers says. */
function nested(value: Json, wraps: readonly number[]): Json {
  let json = 0
  return wraps.reduce<Json>((inner, wrap) => {
    if (wrap === 0) return [1, inner]
    if (wrap === 1) return { deeper: inner, other: null }
    // One level of JSON within a string is promised.
    if (wrap === 2 && json++ === 0 && typeof inner !== 'string')
      return { text: JSON.stringify(inner) }
    return { list: [{ inner }] }
  }, value)
}

describe('a planted canary', () => {
  property(
    [
      CANARY,
      fc.constantFrom(...PLANTS),
      fc.constantFrom(...SURROUNDINGS),
      fc.array(fc.nat(3), { maxLength: 6 }),
    ],
    { numRuns: 4_000 },
  )('survives no nesting and no promised encoding', (canary, plant, surround, wraps) => {
    const identity: IdentityLiterals = { ...NO_IDENTITY, hostnames: [canary] }
    const { text, leak } = plant(canary)
    const { value, redactions } = sanitizeEvent(nested(surround(text), wraps), { identity })
    expect(survivors(value, { leaks: [leak] })).toEqual([])
    expect(survivors(redactions, { leaks: [leak] })).toEqual([])
    expect(redactions).not.toEqual([])
    assertClean(value, identity)
  })
})

const hex = (length: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
const ulid = fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
const instant = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())

const exemptFields = fc.record({
  event_id: ulid,
  mission_id: ulid,
  correlation_id: fc.uuid(),
  causation_id: fc.option(ulid),
  node_id: hex(12),
  build_id: fc.uuid(),
  project_uuid: fc.uuid(),
  git_hash: hex(40),
  head_commit_sha: hex(40),
  content_hash: hex(64),
  commit: hex(9),
  lamport_clock: fc.nat(),
  timestamp: instant,
  at: instant,
  committed_at: instant,
  event_type: fc.constantFrom('WPStatusChanged', 'MissionCreated'),
  schema_version: fc.constant('3.0.0'),
  from_lane: fc.constantFrom('planned', 'in_progress'),
  to_lane: fc.constantFrom('done', 'for_review'),
  wp_id: fc.constantFrom('WP01', 'WP12'),
  mission_slug: fc.constantFrom('042-token-secrets-01KT119Y', 'quillfeather-notes'),
  project_slug: fc.constantFrom('harbor', 'quillfeather', 'tern-box'),
  repo_slug: fc.constantFrom('quillfeather/harbor', 'org/secret-tokens'),
  force: fc.boolean(),
  changed_files: fc.constant(['kitty-specs/042-x/decisions.events.jsonl', 'src/home/users/a.ts']),
})

describe('typed fields', () => {
  property([exemptFields, fc.boolean()], { numRuns: 1_000 })(
    'stay byte-identical, at the top and below, beside personal data',
    (fields, below) => {
      const event = below ? { payload: { fields } } : fields
      const clean = sanitizer.sanitize(event)
      expect(JSON.stringify(clean.value)).toBe(JSON.stringify(event))
      expect(clean.redactions).toEqual([])
      const spoilt = sanitizer.sanitize({ ...fields, note: '/home/bob/x' })
      expect(spoilt.value).toEqual({ ...fields, note: '<home>/x' })
    },
  )
})

describe('a value that its form exempts', () => {
  const exempt = ['id', 'event_id', 'build_id', 'node_id', 'schema_version', 'timestamp', 'sent_at']
    .concat(['commit', 'head_commit_sha', 'event_type', 'wp_id', 'to_lane', 'actor_type'])
    .map((key) => {
      const typed = typedFormOf(key)
      if (typed?.exemption !== 'exact') throw new Error(`${key} has no exact form`)
      return fc.record({ key: fc.constant(key), value: fc.stringMatching(typed.form) })
    })
  property([fc.oneof(...exempt)])(
    'is measured as it is written, the first time and again (L8)',
    ({ key, value }) => {
      const event = { [key]: value }
      // With a comma behind the field and its value.
      const lengthMax = JSON.stringify(event).length + 2
      for (let time = 0; time < 2; time += 1) {
        const shorter = { lengthMax: lengthMax - 1 }
        expect(() => sanitizer.sanitize(event, shorter)).toThrow(SanitizeError)
        expect(sanitizer.sanitize(event, { lengthMax }).value).toEqual(event)
      }
    },
  )
})
