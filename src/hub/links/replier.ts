/**
 * What one connection is owed for a transaction: a reply to each frame, in their order, and one word for all array
 * frames in a row, which are numbered so that one word can stand for those before it.
 */
import type { AcksFrame, Rejection } from '../../contracts/wire/frames.ts'
import type { PartResult } from '../event-batch.ts'

const NONE: readonly string[] = []

export class Replier {
  #replies: string[] | null = null
  #acks: { through: number; last_event_id: string; count: number; rejected: Rejection[] } | null =
    null

  reply(frame: string): void {
    this.#settleArrays()
    this.#owe(frame)
  }

  /** The array frame of this number, the next after the last, is durable. */
  acknowledge(batch: number, results: readonly PartResult[]): void {
    const rejected = results.flatMap((result) =>
      result.status === 'rejected' ? [rejectionIn(result)] : [],
    )
    const before = this.#acks
    this.#acks = {
      through: batch,
      last_event_id: results.at(-1)?.event_id ?? '',
      count: (before?.count ?? 0) + results.length,
      rejected: [...(before?.rejected ?? []), ...rejected],
    }
  }

  /** All that is owed, which is owed no longer. */
  take(): readonly string[] {
    this.#settleArrays()
    const replies = this.#replies ?? NONE
    this.#replies = null
    return replies
  }

  #settleArrays(): void {
    if (this.#acks === null) return
    const acks: AcksFrame = { type: 'acks', ...this.#acks }
    this.#owe(JSON.stringify(acks))
    this.#acks = null
  }

  #owe(frame: string): void {
    this.#replies ??= []
    this.#replies.push(frame)
  }
}

function rejectionIn({ event_id, error_category, retryable }: Rejection): Rejection {
  return { event_id, error_category, retryable }
}
