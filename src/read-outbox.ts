/** A project's outbox, read without a thread, and by the eyes of the hub of the login. */
import { hubOf, readLogin } from './project/login/login.ts'
import { projectOutbox } from './workers/store/outbox-place.ts'
import { OutboxReader, type ReaderOptions } from './workers/store/outbox-reader.ts'
import type { StoreCounts } from './workers/store/protocol.ts'

/** `state` is the state directory. */
export function outboxOfProject(state: string, uuid: string): ReaderOptions {
  const hub = hubOf(readLogin(state))
  return { ...projectOutbox(state, uuid), ...(hub === undefined ? {} : { hub }) }
}

/** Answers by a reader that is closed again. @throws StoreError where it can't be read */
export function readOutbox<Answer>(
  outbox: ReaderOptions,
  look: (reader: OutboxReader) => Answer,
): Answer {
  const reader = OutboxReader.open(outbox)
  try {
    return look(reader)
  } finally {
    reader.close()
  }
}

/** Events that no hub has yet, held ones included. */
export function undeliveredOf({ pending, inflight, held }: StoreCounts): number {
  return pending + inflight + held
}
