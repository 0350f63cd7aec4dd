import { describe, expect, it } from 'vitest'
import { evaluate, type Evaluation } from '../support/evaluation.ts'
import { evaluationSet } from '../support/evaluation-set.ts'

const set = evaluationSet()
const evaluation = evaluate(set)

if (process.env['SANITIZER_REPORT'] !== undefined) report(evaluation)

describe('the synthetic evaluation set', () => {
  it('has 6,000 positives of 20 kinds, 3,000 negatives and 40 identities', () => {
    expect(set.positives).toHaveLength(6_000)
    expect(new Set(set.positives.map(({ kind }) => kind)).size).toBe(20)
    expect(set.negatives).toHaveLength(3_000)
    expect(set.people).toHaveLength(40)
  })

  it('is the same whenever it is made', () => {
    expect(evaluationSet()).toEqual(set)
  })

  it.each(['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8'])(
    'recalls %s at 99.9 percent',
    (part) => {
      const score = evaluation.scores.find((candidate) => candidate.part === part)
      expect(score?.recall).toBeGreaterThanOrEqual(0.999)
    },
  )

  it('recalls P9 at 90 percent with a precision of 80', () => {
    const score = evaluation.scores.find((candidate) => candidate.part === 'P9')
    expect(score?.recall).toBeGreaterThanOrEqual(0.9)
    expect(score?.precision).toBeGreaterThanOrEqual(0.8)
  })

  it('has a precision of 98 percent over positives and negatives', () => {
    expect(evaluation.precision).toBeGreaterThanOrEqual(0.98)
  })
})

function report({ scores, precision, misses, excesses }: Evaluation): void {
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`.padStart(9)
  const rows = scores.map(
    ({ part, positives, recall, precision, f2 }) =>
      `${part}  ${String(positives).padStart(9)}  ${percent(recall)}  ${percent(precision)}  ${percent(f2)}`,
  )
  const lines = [
    'part  positives     recall  precision         F2',
    ...rows,
    `precision over positives and negatives: ${percent(precision).trim()}`,
    `missed ${misses.length}, redacted in excess ${excesses.length}`,
  ]
  if (process.env['SANITIZER_REPORT'] === 'verbose') lines.push(...misses, ...excesses)
  process.stdout.write(`${lines.join('\n')}\n`)
}
