/** Consent and the link, as one asks for them: opt in or out, drain once, hold the link. */
import {
  checkedOptions,
  isFlag,
  isSignal,
  type OptionChecks,
} from './contracts/values/arguments.ts'
import { LinkControl } from './actors/link-control.ts'
import { drainOwn, obstacleTo, reasonOf, report, waitingCommits } from './drain-report.ts'
import type { DrainReport, UndeliveredReason } from './drain-report.ts'
import {
  ledgerWarning,
  linkHeld,
  noConsent,
  notAuthenticated,
  workerFailed,
} from './link-refusals.ts'
import { LoginWatch } from './login-watch.ts'
import type { LinkReport } from './actors/listeners.ts'
import type { Parts } from './parts.ts'
import type { Healing } from './healing.ts'
import { outboxOfProject, readOutbox, undeliveredOf } from './read-outbox.ts'
import type { Identity } from './project/types.ts'
import { identityOrNull, requireIdentity } from './project/identity.ts'
import type { GitFact } from './workers/git/protocol.ts'
import type { OutboxReader } from './workers/store/outbox-reader.ts'
import type { SocketFact } from './workers/socket/protocol.ts'
import type { StoreAnswer, StoreFact } from './workers/store/protocol.ts'

export type ConsentChange = {
  readonly state: 'granted' | 'refused' | 'absent'
  /** Events recorded before that the grant covers. */
  readonly covered: number
  /** Events that stay on this machine. */
  readonly held: number
}

export type ConsentOptions = {
  /** Covers nothing that was recorded before; default false. */
  readonly fromNow?: boolean
}

export type DrainOptions = {
  /** From 0; default 30,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const CONSENT_CHECKS: OptionChecks<ConsentOptions> = { fromNow: isFlag }
const DRAIN_CHECKS: OptionChecks<DrainOptions> = {
  timeoutMs: (value) => typeof value === 'number' && value >= 0,
  signal: isSignal,
}

export type Sync = {
  /** Records consent; works offline and without login. The first grant covers what was recorded since `init`. @throws InputError OPTIONS_INVALID; ProjectError; StoreError */
  optIn(options?: ConsentOptions): Promise<ConsentChange>
  /** Withdraws consent: from now on nothing leaves. */
  optOut(): Promise<ConsentChange>
  /** Drains once, bounded. @throws InputError OPTIONS_INVALID; ProjectError NO_IDENTITY, CONFIG_UNUSABLE; StoreError */
  now(options?: DrainOptions): Promise<DrainReport>
  /** Holds the link until `stop`. @throws ProjectError NO_IDENTITY; LinkError NO_CONSENT, NOT_AUTHENTICATED, LINK_HELD; RuntimeError WORKER_FAILED */
  start(): Promise<void>
  /** Closes the link; from then on it starts only when `start` is called. */
  stop(): Promise<void>
  readonly link: LinkReport
}

/** The longest that `sync now` takes unless told otherwise. */
export const DRAIN_TIMEOUT_MS = 30_000
/** How often another holder's progress is looked at. */
const LOOK_MS = 50
/** How long an opt-out waits for what is under way. */
const FREEZE_WAIT_MS = 1_000

export type SyncControl = Sync & {
  /** Something was recorded: start the link where all is there, else tell it. */
  wake(): void
  /** Something was recorded: tell the link, where there is one. */
  nudge(): void
  /** Takes over what was recorded before `init`. */
  adopt(): Promise<number>
  close(): Promise<void>
}

/** One function, because the link that it makes when first needed is shared by all that stands in it. */
export function createSync(parts: Parts & Pick<Healing, 'healAndLook' | 'queue'>): SyncControl {
  const { system, listeners, repository, state, clock } = parts
  const closing = new AbortController()
  let control: LinkControl | null = null
  let starting: Promise<void> | null = null
  // Stopped by hand: what is recorded from then on doesn't start it.
  let parked = false
  // A link ends with its login, and what the hub refused is tried again as soon as another login is stored.
  const logins = new LoginWatch(state, () => control?.relogin())

  system.observe({
    fact: (name, fact) => {
      if (name === 'socket') return control?.takeFact(fact as SocketFact)
      if (name === 'store') heed(fact as StoreFact)
      if (name === 'git') takeUp(fact as GitFact)
      return nudge()
    },
    restarted: (name) => control?.takeRestart(name),
    failed: (name) => control?.takeFailure(name),
  })

  function takeUp(fact: GitFact): void {
    // What can't be taken now is found again in a minute, or by the next command.
    if (fact.type === 'git.noted') void parts.queue(fact.unqueued).catch(() => undefined)
  }

  function heed(fact: StoreFact): void {
    if (fact.type === 'store.changed') control?.heed(fact.granted)
    // As after the death of its thread.
    if (fact.type === 'store.leaseLost') control?.takeRestart('store')
  }

  function link(): LinkControl {
    control ??= new LinkControl({
      workers: system.workers,
      store: system.store,
      git: system.git,
      random: system.random,
      clock,
      spawn: (logic, id, input) => system.spawn(logic, id, input),
      changed: ({ state: at, reason, nextTryAt = null }) => {
        logins.turn(at !== 'offline')
        listeners.tell('link', { state: at, reason, nextTryAt })
      },
      refused: ({ code, message, hint }) =>
        listeners.tell('warning', { code, message: [message, hint ?? ''].join('. ').trim() }),
      ledgerRefused: (error) => listeners.tell('warning', ledgerWarning(error)),
    })
    return control
  }

  async function open(): Promise<boolean> {
    logins.note()
    return link().start()
  }

  let adopted = 0

  async function project(): Promise<Identity> {
    const identity = await requireIdentity(repository)
    system.identify(identity)
    // A node that can't be named refuses here, and not in the start of the thread.
    parts.nodeId()
    const answer = await system.store.ask({ type: 'store.identify', identity }, 'store.identified')
    adopted = answer.adopted
    return identity
  }

  /** The outbox as the drains see it, read without a thread. */
  function read<Result>(identity: Identity, look: (reader: OutboxReader) => Result): Result {
    return readOutbox(outboxOfProject(state, identity.uuid), look)
  }

  /** @throws RuntimeError WORKER_FAILED where one that a link needs is gone for good */
  function refuseFailed(): void {
    const { socket, store } = system.failures
    if (socket !== undefined) throw workerFailed('socket')
    if (store !== undefined) throw workerFailed('store')
  }

  const start = async (): Promise<void> => {
    refuseFailed()
    const identity = await project()
    const found = obstacleTo(state, identity.uuid)
    if (found !== null) throw found === 'no_consent' ? noConsent() : notAuthenticated()
    parked = false
    if (!(await open())) throw linkHeld()
  }

  const now: Sync['now'] = async (options = {}) => {
    const given = checkedOptions(options, DRAIN_CHECKS)
    const timeoutMs = given.timeoutMs ?? DRAIN_TIMEOUT_MS
    const signal = AbortSignal.any([closing.signal, ...(given.signal ? [given.signal] : [])])
    const identity = await project()
    const before = read(identity, (reader) => reader.counts())
    const missing = obstacleTo(state, identity.uuid)
    if (missing !== null) return report(before, before, 0, missing)
    // Brings the sync state up to date, too.
    const healed = await parts.healAndLook().catch(() => null)
    const commitsBefore = await waitingCommits(repository.root)
    const wasUp = control?.isWanted === true
    const hindrance = (await open())
      ? await drainOwn(link(), timeoutMs, signal)
      : await awaitHolder(identity, healed === null, timeoutMs, signal)
    // A link that was up before stays up.
    if (!wasUp) await control?.stop()
    refuseFailed()
    const after = read(identity, (reader) => reader.counts())
    const left = await waitingCommits(repository.root)
    const isRead = hindrance !== 'ledger_unavailable'
    const isEmpty = isRead && left.length === 0 && undeliveredOf(after) - after.held === 0
    const deferred = (healed?.deferred.length ?? 0) > 0 ? ('commit_deferred' as const) : null
    // A frame that stays although its drain found nothing more to send was refused.
    const whyLeft = hindrance ?? (left.length > 0 ? 'rejected' : (reasonOf(after) ?? 'timeout'))
    const reason = isEmpty ? (deferred ?? reasonOf(after)) : whyLeft
    const acked = commitsBefore.filter((hash) => !left.includes(hash))
    return report(before, after, acked.length, reason)
  }

  const nudge = (): void => {
    if (control === null || !control.isWanted) return
    // First, so that nothing new goes out by a login that was given up.
    logins.look()
    control.nudge()
  }

  const wake = (): void => {
    nudge()
    if (parked || starting !== null || control?.isWanted === true) return
    if (closing.signal.aborted) return
    // Where something is missing, the next emit looks again.
    starting = tryStart()
      .catch(() => undefined)
      .finally(() => {
        starting = null
      })
  }

  async function tryStart(): Promise<void> {
    refuseFailed()
    const identity = await identityOrNull(repository)
    if (identity === null || obstacleTo(state, identity.uuid) !== null) return
    await project()
    if (!parked && !closing.signal.aborted) await open()
  }

  async function consent(grant: boolean, fromNow: boolean): Promise<StoreConsent> {
    await project()
    return system.store.ask({ type: 'store.consent', grant, fromNow }, 'store.consented')
  }

  return {
    optIn: async (options = {}) => {
      const { fromNow = false } = checkedOptions(options, CONSENT_CHECKS)
      const { state: to, covered, held } = await consent(true, fromNow)
      control?.heed(true)
      return { state: to, covered, held }
    },
    optOut: async () => {
      await awaitUnderWay(await project())
      const { state: to, held } = await consent(false, false)
      await control?.stop()
      return { state: to, covered: 0, held }
    },
    now,
    start,
    stop: async () => {
      parked = true
      await control?.stop()
    },
    adopt: async () => {
      await project()
      return adopted
    },
    wake,
    nudge,
    close: async () => {
      closing.abort()
      logins.turn(false)
      await starting
      await control?.stop().catch(() => undefined)
      logins.turn(false)
    },
    get link() {
      return {
        state: control?.state ?? 'offline',
        reason: control?.reason ?? null,
        nextTryAt: control?.nextTryAt ?? null,
      }
    },
  }

  async function rest(): Promise<void> {
    await new Promise<void>((resolve) => clock.setTimeout(() => resolve(), LOOK_MS))
  }

  /** From here on nothing goes out; what did is given the time to be answered. */
  async function awaitUnderWay(identity: Identity): Promise<void> {
    await system.store.ask({ type: 'store.freeze' }, 'store.frozen')
    const deadline = clock.now() + FREEZE_WAIT_MS
    while (clock.now() < deadline && read(identity, isUnderWay)) {
      await rest()
    }
  }

  function isUnderWay(reader: OutboxReader): boolean {
    return reader.linkIsLive(clock.now()) && reader.counts().inflight > 0
  }

  /** As `drainOwn`, by another process, which finds the same ledger. */
  async function awaitHolder(
    identity: Identity,
    ledgerRefuses: boolean,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<UndeliveredReason | null> {
    const deadline = clock.now() + timeoutMs
    while (clock.now() < deadline && !signal.aborted) {
      const counts = read(identity, (reader) => reader.counts())
      if (counts.pending + counts.inflight === 0) {
        if (ledgerRefuses) return 'ledger_unavailable'
        if ((await waitingCommits(repository.root)).length === 0) return null
      }
      // A holder that has died or stopped meanwhile leaves its work to us.
      if (await open()) return drainOwn(link(), deadline - clock.now(), signal)
      await rest()
    }
    return 'timeout'
  }
}

type StoreConsent = Extract<StoreAnswer, { readonly type: 'store.consented' }>
