/** What the hub counts, as text for Prometheus. No team, no project, no user, no address is in it. */
import type { PartResult } from './event-batch.ts'
import { rejectionOf } from './links/replies.ts'
import type { Outcome } from './entries.ts'

/** Upper bounds in seconds. */
const SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
]
const EVENTS: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000]
const CODES: ReadonlySet<number> = new Set([
  1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 4401,
])
const PREFIX = 'kittiwake_hub_'

/** Counts by one label, whose values are the hub's own words. */
class Counter {
  readonly #countByValue = new Map<string, number>()
  readonly #label: string

  constructor(label: string) {
    this.#label = label
  }

  add(value: string, count = 1): void {
    this.#countByValue.set(value, (this.#countByValue.get(value) ?? 0) + count)
  }

  lines(name: string): readonly string[] {
    return [...this.#countByValue].map(
      ([value, count]) => `${name}{${this.#label}="${value}"} ${count}`,
    )
  }
}

class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.#sum += value
    this.#count += 1
    const index = this.#bounds.findIndex((bound) => value <= bound)
    if (index !== -1) this.#counts[index] = (this.#counts[index] ?? 0) + 1
  }

  lines(name: string): readonly string[] {
    let below = 0
    const buckets = this.#bounds.map((bound, index) => {
      below += this.#counts[index] ?? 0
      return `${name}_bucket{le="${bound}"} ${below}`
    })
    return [
      ...buckets,
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ]
  }
}

/** What is so now, by the name of its gauge. */
export type Gauges = Readonly<Record<string, { readonly help: string; readonly value: number }>>

export class Metrics {
  /** Events and commits by what became of them: accepted, duplicate or rejected. */
  readonly received = new Counter('outcome')
  readonly rejected = new Counter('category')
  readonly #closed = new Counter('code')
  readonly answered = new Counter('status')
  /** Events of an array frame or an HTTP batch. */
  readonly batchEvents = new Histogram(EVENTS)
  readonly transactionSeconds = new Histogram(SECONDS)
  /** From the last byte of a frame or request to its answer. */
  readonly answerSeconds = new Histogram(SECONDS)

  /** Counts a closed connection. The other side may choose any code: those that mean nothing here are one. */
  countClosed(code: number): void {
    this.#closed.add(CODES.has(code) ? String(code) : 'other')
  }

  /** Counts what became of one entry. */
  count(outcome: Outcome | undefined): void {
    const verdict = outcome?.verdict ?? 'unstored'
    if (verdict === 'accepted' || verdict === 'duplicate') this.received.add(verdict)
    else this.#reject(rejectionOf(verdict).category)
  }

  /** Counts what became of events that came together. */
  countAll(results: readonly PartResult[]): void {
    for (const result of results) {
      if (result.status === 'rejected') this.#reject(result.error_category)
      else this.received.add(result.status)
    }
  }

  #reject(category: string): void {
    this.received.add('rejected')
    this.rejected.add(category)
  }

  /** The whole page. */
  text(gauges: Gauges): string {
    const lines = [
      ...section('received_total', 'counter', 'Events and commits by outcome', this.received),
      ...section('rejected_total', 'counter', 'Refused frames and events', this.rejected),
      ...section('connections_closed_total', 'counter', 'Closed WebSockets', this.#closed),
      ...section('requests_total', 'counter', 'HTTP answers by status', this.answered),
      ...section('batch_events', 'histogram', 'Events that came together', this.batchEvents),
      ...section('transaction_seconds', 'histogram', 'Durable writes', this.transactionSeconds),
      ...section('answer_seconds', 'histogram', 'From arrival to answer', this.answerSeconds),
    ]
    for (const [name, { help, value }] of Object.entries(gauges)) {
      lines.push(...section(name, 'gauge', help, { lines: (full) => [`${full} ${value}`] }))
    }
    return `${lines.join('\n')}\n`
  }
}

function section(
  name: string,
  type: 'counter' | 'gauge' | 'histogram',
  help: string,
  source: { lines(name: string): readonly string[] },
): readonly string[] {
  const full = PREFIX + name
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...source.lines(full)]
}
