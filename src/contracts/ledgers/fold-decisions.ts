/** A decision log as decisions: which request an answer belongs to, what came twice, what contradicts. */
import type {
  AnsweredRecord,
  Decision,
  DecisionRecord,
  RequestedRecord,
} from './decision-record.ts'
import { encodeDecisionRecord } from './decision-record.ts'
import { ULID_PATTERN } from '../event.ts'

export type NumberedRecord = {
  /** Counted from 1. */
  readonly line: number
  readonly record: DecisionRecord
}

/** What is no part of the fold, and why. */
export type SkippedRecord = { readonly line: number; readonly reason: string }

/** `Line`: what the caller keeps of each line beside its record. */
export type FoldedDecision<Line extends NumberedRecord = NumberedRecord> = {
  readonly request: RequestedRecord
  readonly answer: AnsweredRecord | null
  /** The line that holds the answer. */
  readonly answerLine: Line | null
}

/** All but the commit, which the log itself can't tell. */
export type DecisionSummary = Omit<Decision, 'commit'>

export function summaryOf({ request, answer }: FoldedDecision): DecisionSummary {
  const { decision_id, question, options } = request.payload
  return {
    decision_id,
    question,
    options,
    answer: answer?.payload.answer ?? null,
    requested_at: request.at,
    answered_at: answer?.at ?? null,
  }
}

type Open<Line> = {
  request: RequestedRecord
  answer: AnsweredRecord | null
  answerLine: Line | null
}

/** Pure. The first record wins; what contradicts it is reported and changes nothing. */
export class DecisionFold<Line extends NumberedRecord> {
  readonly #decisions: Open<Line>[] = []
  readonly #latestByKey = new Map<string, Open<Line>>()
  readonly #byDecisionId = new Map<string, Open<Line>[]>()
  readonly #lineByEventId = new Map<string, Line>()
  readonly #skipped: SkippedRecord[] = []

  constructor(lines: readonly Line[]) {
    const unmatched = lines.filter((line) => !this.#take(line))
    // A merge can put an answer above its request.
    for (const line of unmatched) {
      if (!this.#takeAnswer(line)) this.#skip(line, 'an answer without its request')
    }
  }

  /** In the order of their requests. */
  get decisions(): readonly FoldedDecision<Line>[] {
    return this.#decisions
  }

  get skipped(): readonly SkippedRecord[] {
    return this.#skipped
  }

  record(eventId: string): DecisionRecord | null {
    return this.#lineByEventId.get(eventId)?.record ?? null
  }

  /** By id alone where that is a ULID, else by run and id, else by an id that only one run asked. */
  find(runId: string, decisionId: string): FoldedDecision<Line> | null {
    const exact = this.#latestByKey.get(keyOf(runId, decisionId))
    if (exact !== undefined) return exact
    const [only, ...others] = this.#byDecisionId.get(decisionId) ?? []
    return others.length === 0 ? (only ?? null) : null
  }

  /** False for an answer whose request has not been seen. */
  #take(line: Line): boolean {
    const { record } = line
    const same = this.#lineByEventId.get(record.event_id)
    if (same !== undefined) {
      if (encodeDecisionRecord(same.record) !== encodeDecisionRecord(record)) {
        this.#skip(line, `another record with the event id of line ${same.line}`)
      }
      return true
    }
    this.#lineByEventId.set(record.event_id, line)
    if (record.event_type === 'DecisionInputAnswered') return this.#takeAnswer(line)
    this.#takeRequest(record)
    return true
  }

  #takeRequest(request: RequestedRecord): void {
    const { run_id, decision_id } = request.payload
    const key = keyOf(run_id, decision_id)
    const latest = this.#latestByKey.get(key)
    // Asked again before it was answered is the same decision; afterwards, only a reused id is a new one.
    if (latest !== undefined && (latest.answer === null || ULID_PATTERN.test(decision_id))) return
    const opened: Open<Line> = { request, answer: null, answerLine: null }
    this.#decisions.push(opened)
    this.#latestByKey.set(key, opened)
    const others = this.#byDecisionId.get(decision_id)
    if (others === undefined) this.#byDecisionId.set(decision_id, [opened])
    else others.push(opened)
  }

  #takeAnswer(line: Line): boolean {
    const { record } = line
    if (record.event_type !== 'DecisionInputAnswered') return true
    const { run_id, decision_id, answer } = record.payload
    const decision = this.#latestByKey.get(keyOf(run_id, decision_id))
    if (decision === undefined) return false
    if (decision.answer === null) {
      decision.answer = record
      decision.answerLine = line
    } else if (decision.answer.payload.answer !== answer) {
      this.#skip(line, `another answer than the one on line ${decision.answerLine?.line ?? 0}`)
    }
    return true
  }

  #skip({ line }: Line, reason: string): void {
    this.#skipped.push({ line, reason })
  }
}

// Ids of other writers recur in every run.
function keyOf(runId: string, decisionId: string): string {
  return ULID_PATTERN.test(decisionId) ? decisionId : JSON.stringify([runId, decisionId])
}
