import { describe, expect, it } from 'vitest'
import { compileIdentity } from '#dist/events/sanitize/compiled-identity.js'
import { createSanitizer } from '#dist/events/sanitize.js'
import { RULES } from '#dist/events/sanitize/rules/all.js'
import type { Rule } from '#dist/events/sanitize/rule.js'
import { SanitizeError } from '#dist/errors.js'
import { HOSTILE_UNITS, hostileText } from '../support/hostile-texts.ts'
import { SAMPLE_IDENTITY } from '../support/sample-identity.ts'

const IDENTITY = compileIdentity(SAMPLE_IDENTITY)
const LENGTH = 256 * 1024
// Linear rules need some 50 ms at most; one quadratic step per unit needs many seconds.
const BOUND_MS = 2_500

function elapsedMs(work: () => void): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

/** The units of a rule's own samples, which come closest to what it almost matches. */
function unitsOf(rule: Rule): string[] {
  const samples = [...rule.samples.removed, ...rule.samples.kept]
  const plain = samples.map((sample) => sample.replace(/[⟦⟧]/g, ''))
  return [...plain, ...plain.map((sample) => sample.slice(0, Math.ceil(sample.length / 2)))]
}

describe('cost is linear on hostile text (256 KiB)', () => {
  it.each(RULES.map((rule) => [rule.name, rule] as const))('in the rule %s', (_name, rule) => {
    const slow = [...HOSTILE_UNITS, ...unitsOf(rule)].filter((unit) => {
      const text = hostileText(unit, LENGTH)
      const lower = text.toLowerCase()
      return elapsedMs(() => rule.find({ text, lower }, IDENTITY)) > BOUND_MS
    })
    expect(slow).toEqual([])
  })

  it('in the sanitizer as a whole, which always answers or refuses with a code', () => {
    const sanitizer = createSanitizer(SAMPLE_IDENTITY)
    const slow = HOSTILE_UNITS.filter((unit) => {
      const text = hostileText(unit, LENGTH)
      const ms = elapsedMs(() => {
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
    expect(elapsedMs(() => sanitizer.sanitize({ people, keyed }))).toBeLessThan(BOUND_MS)
  })

  it('over many keys that become the same', () => {
    const sanitizer = createSanitizer(SAMPLE_IDENTITY)
    const tokens = Array.from({ length: 20_000 }, (_, n) => [
      `ghp_${String(n).padStart(20, 'x')}`,
      n,
    ])
    const value: unknown = Object.fromEntries(tokens)
    expect(elapsedMs(() => sanitizer.sanitize(value))).toBeLessThan(BOUND_MS)
    expect(Object.keys(sanitizer.sanitize(value).value as object)).toHaveLength(20_000)
  })

  it('and 16 KiB of prose take a few milliseconds at most', () => {
    const sanitizer = createSanitizer(SAMPLE_IDENTITY)
    const sentence = 'WP02: the drain claims a batch (src/a.ts:12), sends it and waits 3.5 s. '
    const value = { note: hostileText(sentence, 16 * 1024) }
    sanitizer.sanitize(value)
    const runs = Array.from({ length: 50 }, () => elapsedMs(() => sanitizer.sanitize(value)))
    // The design's target is 2 ms; the bound leaves room for a busy machine.
    expect(runs.toSorted((a, b) => a - b)[25]).toBeLessThan(20)
  })
})
