import { describe, expect, it } from 'vitest'
import { compileIdentity } from '#dist/events/sanitize/compiled-identity.js'
import { createSanitizer } from '#dist/events/sanitize.js'
import { RULES } from '#dist/events/sanitize/rules/all.js'
import type { Rule } from '#dist/events/sanitize/rule.js'
import { SanitizeError } from '#dist/errors.js'
import { HOSTILE_UNITS, hostileText } from '../support/hostile-texts.ts'
import { ALL_ROWS } from '../support/rows.ts'
import { SAMPLE_IDENTITY } from '../support/sample-identity.ts'

const IDENTITY = compileIdentity(SAMPLE_IDENTITY)
// Linear rules need some 15 ms of 64 KiB at most; one quadratic step per unit needs seconds.
const [LENGTH, BOUND_MS] = ALL_ROWS ? [256 * 1024, 2_500] : [64 * 1024, 700]
/** Of thousands of values in one. */
const VALUE_BOUND_MS = 2_500

/** Of the processor, not of the wall: what else runs on the machine must not decide. */
function costMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The units of a rule's own samples, which come closest to what it almost matches. */
function unitsOf(rule: Rule): string[] {
  const samples = [...rule.samples.removed, ...rule.samples.kept]
  const plain = samples.map((sample) => sample.replace(/[⟦⟧]/g, ''))
  return [...plain, ...plain.map((sample) => sample.slice(0, Math.ceil(sample.length / 2)))]
}

describe(`cost is linear on hostile text (${LENGTH / 1024} KiB)`, () => {
  it.each(RULES.map((rule) => [rule.name, rule] as const))(
    'in the rule %s (S22)',
    (_name, rule) => {
      const slow = [...HOSTILE_UNITS, ...unitsOf(rule)].filter((unit) => {
        const text = hostileText(unit, LENGTH)
        const lower = text.toLowerCase()
        return costMs(() => rule.find({ text, lower }, IDENTITY)) > BOUND_MS
      })
      expect(slow).toEqual([])
    },
  )

  it('in the sanitizer as a whole, which always answers or refuses with a code', () => {
    const sanitizer = createSanitizer(SAMPLE_IDENTITY)
    const slow = HOSTILE_UNITS.filter((unit) => {
      const text = hostileText(unit, LENGTH)
      const ms = costMs(() => {
        try {
          sanitizer.sanitize({ text })
        } catch (error) {
          expect(error).toBeInstanceOf(SanitizeError)
        }
      })
      return ms > BOUND_MS
    })
    expect(slow).toEqual([])
  })

  it('over many strings, keys and redactions in one value', () => {
    const sanitizer = createSanitizer(SAMPLE_IDENTITY)
    const people = Array.from({ length: 4_000 }, (_, n) => [`/home/p${n}/x`, `p${n}@example.com`])
    const keyed = Object.fromEntries(people)
    expect(costMs(() => sanitizer.sanitize({ people, keyed }))).toBeLessThan(VALUE_BOUND_MS)
  })

  it('over many keys that become the same', () => {
    const sanitizer = createSanitizer(SAMPLE_IDENTITY)
    const tokens = Array.from({ length: 20_000 }, (_, n) => [
      `ghp_${String(n).padStart(20, 'x')}`,
      n,
    ])
    const value: unknown = Object.fromEntries(tokens)
    expect(costMs(() => sanitizer.sanitize(value))).toBeLessThan(VALUE_BOUND_MS)
    expect(Object.keys(sanitizer.sanitize(value).value as object)).toHaveLength(20_000)
  })
})
