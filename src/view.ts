/** What can be said of a project without a thread and without writing: identity, consent, counts, deferrals. */
import { readDeferrals } from './workers/git/dirty-journal.ts'
import type { Deferral } from './workers/git/protocol.ts'
import { peekFrames, type PendingCommits } from './workers/git/peek-frames.ts'
import { OutboxReader, type ReaderOptions } from './workers/store/outbox-reader.ts'
import type { ConsentState, StoreCounts } from './workers/store/protocol.ts'
import { identityOrNull, readIdentity } from './project/identity.ts'
import { readLogin } from './project/login.ts'
import { outboxPath, repositoryKeyOf, unidentifiedOutboxPath } from './project/state-directory.ts'
import type { Identity, Repository } from './project/types.ts'

export type ProjectView = {
  readonly project: Identity | null
  /** Why the identity can't be used, or empty. */
  readonly faults: readonly string[]
  readonly consent: ConsentState
  readonly events: StoreCounts
  /** Undelivered events that this machine takes. */
  readonly capacity: number
  /** Events recorded before `init`; null where their store can't be read. */
  readonly unidentified: number | null
  /** How long the oldest undelivered event has waited. */
  readonly oldest_age_ms: number | null
  readonly link_live: boolean
  readonly login: { readonly hub: string; readonly team_slug: string } | null
  /** Why the stored login can't be used, or empty. */
  readonly login_faults: readonly string[]
  readonly commits: PendingCommits & {
    readonly deferred: readonly Deferral[]
  }
}

export async function viewProject(repository: Repository, state: string): Promise<ProjectView> {
  const reading = await readIdentity(repository)
  const identity = await identityOrNull(repository)
  const key = repositoryKeyOf(repository.commonDir)
  const before = {
    path: unidentifiedOutboxPath(state, key),
    owner: { kind: 'repository', key },
  } as const
  const outbox = OutboxReader.open(
    identity === null
      ? before
      : {
          path: outboxPath(state, identity.uuid),
          owner: { kind: 'project', uuid: identity.uuid },
        },
  )
  const login = readLogin(state)
  try {
    return {
      project: identity,
      faults: reading.state === 'unusable' ? reading.faults : [],
      consent: outbox.consent(),
      events: outbox.counts(),
      capacity: outbox.capacityUse().capacity,
      unidentified: identity === null ? totalOf(outbox.counts()) : waitingIn(before),
      oldest_age_ms: outbox.oldestUndeliveredAgeMs(Date.now()),
      link_live: outbox.linkIsLive(Date.now()),
      login:
        login.state === 'present'
          ? { hub: login.login.hub, team_slug: login.login.team_slug }
          : null,
      login_faults: login.state === 'unusable' ? login.faults : [],
      commits: {
        ...(await peekFrames(repository.root, repository.commonDir, identity)),
        deferred: await readDeferrals(repository.commonDir),
      },
    }
  } finally {
    outbox.close()
  }
}

/** Null where that store can't be read: it must not hide the project's own. */
function waitingIn(store: ReaderOptions): number | null {
  try {
    const reader = OutboxReader.open(store)
    try {
      return totalOf(reader.counts())
    } finally {
      reader.close()
    }
  } catch {
    return null
  }
}

function totalOf(counts: StoreCounts): number {
  return counts.pending + counts.inflight + counts.held
}
