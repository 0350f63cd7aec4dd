import { describe, expect, it } from 'vitest'
import { compileIdentity } from '#dist/events/sanitize/compiled-identity.js'
import { createSanitizer } from '#dist/events/sanitize.js'
import { RULES } from '#dist/events/sanitize/rules/all.js'
import { signalsOf } from '#dist/events/sanitize/signals.js'
import type { Rule } from '#dist/events/sanitize/rule.js'
import { SAMPLE_IDENTITY } from '../support/sample-identity.ts'

const IDENTITY = compileIdentity(SAMPLE_IDENTITY)

type Marked = { readonly text: string; readonly spans: readonly (string | undefined)[] }

/** The sample without its marks, and what stood between them. */
function unmarked(sample: string): Marked {
  const spans = [...sample.matchAll(/⟦([^⟧]*)⟧/g)].map((match) => match[1])
  return { text: sample.replace(/[⟦⟧]/g, ''), spans }
}

function found(rule: Rule, text: string): string[] {
  const { bits } = signalsOf(text)
  if ((bits & rule.needs) !== rule.needs) return []
  return rule
    .find({ text, lower: text.toLowerCase() }, IDENTITY)
    .map((hit) => text.slice(hit.start, hit.end))
}

describe.each(RULES.map((rule) => [rule.name, rule] as const))('the rule %s', (_name, rule) => {
  it('has ten samples of either kind', () => {
    expect(rule.samples.removed.length).toBeGreaterThanOrEqual(10)
    expect(rule.samples.kept.length).toBeGreaterThanOrEqual(10)
    expect(rule.samples.removed.every((sample) => sample.includes('⟦'))).toBe(true)
  })

  it.each(rule.samples.removed)('finds exactly what is marked in %j', (sample) => {
    const { text, spans } = unmarked(sample)
    expect(found(rule, text)).toEqual(spans)
  })

  it.each(rule.samples.kept)('leaves %j alone', (sample) => {
    expect(found(rule, sample)).toEqual([])
  })

  it('is missed when it is taken out', () => {
    const rest = createSanitizer(
      SAMPLE_IDENTITY,
      RULES.filter((other) => other !== rule),
    )
    const whole = createSanitizer(SAMPLE_IDENTITY)
    const missed = rule.samples.removed.filter((sample) => {
      const { text } = unmarked(sample)
      return rest.sanitize(text).value !== whole.sanitize(text).value
    })
    expect(missed).not.toEqual([])
  })
})
