/** Outboxes read without a thread: where they lie, and by whose eyes they are looked at, those of the hub of the login. */
import { hubOf, readLogin } from './project/login.ts'
import { outboxPath, repositoryKeyOf, unidentifiedOutboxPath } from './project/state-directory.ts'
import { OutboxReader, type ReaderOptions } from './workers/store/outbox-reader.ts'
import type { StoreCounts } from './workers/store/protocol.ts'

/** `state` is the state directory. */
export function outboxOfProject(state: string, uuid: string): ReaderOptions {
  const hub = hubOf(readLogin(state))
  const owner = { kind: 'project', uuid } as const
  return { path: outboxPath(state, uuid), owner, ...(hub === undefined ? {} : { hub }) }
}

/** What a repository recorded before `init`. */
export function outboxBeforeInit(state: string, commonDir: string): ReaderOptions {
  const key = repositoryKeyOf(commonDir)
  return { path: unidentifiedOutboxPath(state, key), owner: { kind: 'repository', key } }
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
