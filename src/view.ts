/** What can be said of a project without a thread and without writing: identity, consent, counts, deferrals. */
import { readDeferrals } from './workers/git/logs/dirty-journal.ts'
import type { Deferral } from './workers/git/protocol.ts'
import { peekFrames, type PendingCommits } from './workers/git/frames/peek-frames.ts'
import { repositoryOutbox } from './workers/store/outbox-place.ts'
import { OutboxReader, type ReaderOptions } from './workers/store/outbox-reader.ts'
import type { ConsentState, LinkRow, StoreCounts } from './workers/store/protocol.ts'
import { identityOrNull, readIdentity } from './project/identity.ts'
import { readLogin } from './project/login/login.ts'
import type { Identity, Repository } from './project/types.ts'
import { outboxOfProject, readOutbox, undeliveredOf } from './read-outbox.ts'

export type ProjectView = {
  readonly project: Identity | null
  /** Why the identity can't be used, or empty. */
  readonly faults: readonly string[]
  readonly consent: ConsentState
  /** As the hub of the login sees them. */
  readonly events: StoreCounts
  /** Why events are quarantined, and how many for each reason. */
  readonly reasons: Readonly<Record<string, number>>
  /** Undelivered events that this machine takes. */
  readonly capacity: number
  /** Events recorded before `init`; null where their store can't be read. */
  readonly unidentified: number | null
  /** From 80 % of the capacity on. */
  readonly nearly_full: boolean
  /** False where the counts and the next claim contradict each other. */
  readonly coherent: boolean
  /** How long the oldest undelivered event has waited. */
  readonly oldest_age_ms: number | null
  /** When the hub answered last; null where it never did. */
  readonly last_ack_at: string | null
  readonly link_live: boolean
  /** As whichever process holds the link says; null where none does. */
  readonly connection: {
    readonly state: string
    readonly reason: string | null
    readonly next_try_at: string | null
  } | null
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
  const before = repositoryOutbox(state, repository.commonDir)
  const login = readLogin(state)
  const outbox = OutboxReader.open(
    identity === null ? before : outboxOfProject(state, identity.uuid),
  )
  try {
    return {
      project: identity,
      faults: reading.state === 'unusable' ? reading.faults : [],
      consent: outbox.consent(),
      events: outbox.counts(),
      reasons: outbox.reasons(),
      capacity: outbox.capacityUse().capacity,
      nearly_full: outbox.capacityUse().isNearlyFull,
      coherent: outbox.isCoherent(),
      unidentified: identity === null ? undeliveredOf(outbox.counts()) : waitingIn(before),
      oldest_age_ms: outbox.oldestUndeliveredAgeMs(Date.now()),
      last_ack_at: timeOf(outbox.acknowledgedAt()),
      link_live: outbox.linkIsLive(Date.now()),
      connection: connectionOf(outbox.heldLink(Date.now())),
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

function connectionOf(link: LinkRow | null): ProjectView['connection'] {
  if (link?.connection === null || link === null) return null
  const { connection, reason, next_try_at: nextTryAt } = link
  return { state: connection, reason, next_try_at: timeOf(nextTryAt) }
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

/** Null where that store can't be read: it must not hide the project's own. */
function waitingIn(store: ReaderOptions): number | null {
  try {
    return readOutbox(store, (reader) => undeliveredOf(reader.counts()))
  } catch {
    return null
  }
}
