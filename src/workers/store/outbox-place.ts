/** Where an outbox lies, and whose it is. `state` is the state directory. */
import {
  outboxPath,
  repositoryKeyOf,
  unidentifiedOutboxPath,
} from '../../project/state-directory.ts'

export type OutboxPlace = { readonly path: string; readonly owner: OutboxOwner }

export function projectOutbox(state: string, uuid: string): OutboxPlace {
  return { path: outboxPath(state, uuid), owner: { kind: 'project', uuid } }
}

/** What is recorded before `init`. `commonDir` is the repository's. */
export function repositoryOutbox(state: string, commonDir: string): OutboxPlace {
  const key = repositoryKeyOf(commonDir)
  return { path: unidentifiedOutboxPath(state, key), owner: { kind: 'repository', key } }
}

/** Whose events a store holds: a project's, or those of a repository that has no identity yet. */
export type OutboxOwner =
  | { readonly kind: 'project'; readonly uuid: string }
  | { readonly kind: 'repository'; readonly key: string }
