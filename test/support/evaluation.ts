/** Runs the sanitizer over the evaluation set: recall, precision and F2 for each part of the fact sheet. */
import { createSanitizer, type Sanitizer } from '#dist/events/sanitize.js'
import type { IdentityLiterals } from '#dist/project/identity-literals.js'
import { evaluationSet, type EvaluationSet, type Part, type Positive } from './evaluation-set.ts'

export type Score = {
  readonly part: string
  readonly positives: number
  readonly recall: number
  readonly precision: number
  readonly f2: number
}

export type Evaluation = {
  readonly scores: readonly Score[]
  readonly precision: number
  readonly misses: readonly string[]
  readonly excesses: readonly string[]
}

export function evaluate(set: EvaluationSet = evaluationSet()): Evaluation {
  const sanitizers = new Map<IdentityLiterals, Sanitizer>()
  const sanitizerOf = (identity: IdentityLiterals): Sanitizer => {
    const known = sanitizers.get(identity) ?? createSanitizer(identity)
    sanitizers.set(identity, known)
    return known
  }
  const tally = new Tally()
  for (const positive of set.positives) {
    const { value, redactions } = sanitizerOf(positive.identity).sanitize(positive.value)
    const left = survivors(value, positive)
    tally.positive(positive, left.length === 0 && redactions.length > 0)
    for (const { class: found } of redactions) {
      if (positive.classes.includes(found)) continue
      tally.unexpected(
        PART_BY_CLASS[found] ?? 'P5',
        `${positive.kind}: ${found} in ${show(positive.value)}`,
      )
    }
  }
  for (const { value, identity, kind } of set.negatives) {
    for (const { class: found } of sanitizerOf(identity).sanitize(value).redactions) {
      tally.unexpected(PART_BY_CLASS[found] ?? 'P5', `${kind}: ${found} in ${show(value)}`)
    }
  }
  return tally.result()
}

const PART_BY_CLASS: Readonly<Record<string, Part>> = {
  private_key: 'P1',
  token: 'P2',
  credential: 'P3',
  file_path: 'P4',
  home_path: 'P5',
  email: 'P6',
  identity: 'P7',
  network: 'P8',
  entropy: 'P9',
}

/** What of the leaks can still be read in the value, plainly or by undoing the usual encodings. */
export function survivors(value: unknown, { leaks }: Pick<Positive, 'leaks'>): string[] {
  const readings = readingsOf(JSON.stringify(value))
  return leaks.filter((leak) => {
    const needle = leak.normalize('NFC').toLowerCase()
    const slashless = needle.replaceAll('\\', '')
    return readings.some(
      (text) => text.includes(needle) || (slashless !== needle && text.includes(slashless)),
    )
  })
}

function readingsOf(text: string): string[] {
  const unicode = text.replace(/\\+u([0-9a-fA-F]{4})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  const plain = unicode.replace(/\\/g, '')
  const decoded = plain.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })
  return [text, unicode, plain, decoded, decoded.replace(/\\/g, '')].map((reading) =>
    reading.normalize('NFC').toLowerCase(),
  )
}

function show(value: unknown): string {
  return JSON.stringify(value).slice(0, 160)
}

class Tally {
  readonly #found = new Map<string, number>()
  readonly #total = new Map<string, number>()
  readonly #false = new Map<string, number>()
  readonly #misses: string[] = []
  readonly #excesses: string[] = []

  positive({ part, kind, value }: Positive, found: boolean): void {
    bump(this.#total, part)
    if (found) bump(this.#found, part)
    else this.#misses.push(`${kind}: ${show(value)}`)
  }

  unexpected(part: Part, what: string): void {
    bump(this.#false, part)
    this.#excesses.push(what)
  }

  result(): Evaluation {
    const parts = [...this.#total.keys()].sort()
    const scores = parts.map((part) => this.#score(part))
    const found = sum(this.#found)
    return {
      scores,
      precision: found / (found + sum(this.#false)),
      misses: this.#misses,
      excesses: this.#excesses,
    }
  }

  #score(part: string): Score {
    const total = this.#total.get(part) ?? 0
    const found = this.#found.get(part) ?? 0
    const wrong = this.#false.get(part) ?? 0
    const recall = found / total
    const precision = found / (found + wrong)
    const f2 = (5 * precision * recall) / (4 * precision + recall)
    return { part, positives: total, recall, precision, f2 }
  }
}

function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0)
}
