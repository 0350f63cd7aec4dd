/**
 * The ledgers of all missions of one repository: appended to, committed to their branches, and turned into frames.
 * Everything runs under the repository lock and first puts right what a dead process left.
 */
import type { Confirmer } from '../frames/acknowledged.ts'
import type { AnsweredRecord, RequestedRecord } from '../../../contracts/ledgers/decision-record.ts'
import type { PackageFacts } from '../../../contracts/ledgers/lane-move.ts'
import type { SerializedEvent } from '../../../contracts/event.ts'
import type { LocalCommit } from '../../../contracts/wire/frames.ts'
import type { LedgerFeature, LedgerFrame } from '../../../contracts/wire/ledger-frame.ts'
import { KittiwakeError } from '../../../errors.ts'
import { commitWantedPaths, isCommitted } from './commit-paths.ts'
import type { MadeCommit, PathsCommit } from './commit-paths.ts'
import { findAnswerCommit } from '../logs/decision-log.ts'
import { DecisionLedger } from './decision-ledger.ts'
import { deferralOf } from '../deferral.ts'
import { DirtyJournal } from '../logs/dirty-journal.ts'
import type { MissionLedger } from '../logs/dirty-journal.ts'
import { FrameBook } from '../frames/frame-book.ts'
import { mendIndexes } from '../index/index-mender.ts'
import { deferralFrom, gitErrorFrom, refusalFrom } from '../logs/ledger-errors.ts'
import { withLedgerLock } from './ledger-lock.ts'
import { LogCommitter } from './log-committer.ts'
import type { CommitAnswer } from './log-committer.ts'
import { LogRepairer } from './log-repairer.ts'
import type { LedgerRepair } from './log-repairer.ts'
import { LostRows } from '../frames/lost-rows.ts'
import { MissionBranches } from '../frames/mission-branches.ts'
import { MissionLogs } from '../logs/mission-logs.ts'
import type { LedgerOptions } from '../logs/mission-logs.ts'
import { withPoolPulse } from '../pool-pulse.ts'
import type { Appended, Deferral, Healed, LedgerName, TransitionRecord } from '../protocol.ts'
import { hasIndexChanged } from '../index/replaced-book.ts'
import { requireFormat } from '../refs/repository-state.ts'
import { SeedRecovery } from './seed-recovery.ts'
import { StatusLedger } from './status-ledger.ts'
import { Unqueued } from './unqueued.ts'
import { Warnings } from '../warnings.ts'
import type { LedgerWarning } from '../warnings.ts'

/** Its methods throw GitError, ProjectError and SanitizeError, and nothing else but bugs. */
export class Ledger {
  readonly #options: LedgerOptions
  readonly #logs: MissionLogs
  readonly #warnings = new Warnings()
  readonly #frames: FrameBook
  readonly #journal: DirtyJournal
  readonly #committer: LogCommitter
  readonly #unqueued: Unqueued
  readonly #decisions: DecisionLedger
  readonly #status: StatusLedger
  readonly #repairer: LogRepairer
  readonly #recovery: SeedRecovery

  constructor(options: LedgerOptions) {
    const { repository, missions } = options
    const { commonDir } = repository
    const warnings = this.#warnings
    const logs = new MissionLogs(options, warnings)
    const { fs } = logs
    const branches = new MissionBranches({ commonDir, fs, missions, warnings })
    const journal = new DirtyJournal({ fs, commonDir, rebuild: () => logs.present(), warnings })
    const lost = new LostRows(options, { logs, journal, warnings })
    const onLooked: LostRows['mark'] = (graph, looked) => lost.mark(graph, looked)
    const frames = new FrameBook({ ...options, fs, branches, warnings, onLooked })
    this.#options = options
    this.#logs = logs
    this.#frames = frames
    this.#journal = journal
    const unqueued = new Unqueued({ fs, root: repository.root, commonDir, warnings })
    this.#unqueued = unqueued
    const committer = new LogCommitter(options, { logs, branches, frames, journal, warnings })
    this.#committer = committer
    this.#decisions = new DecisionLedger(options, { logs, branches, journal, committer })
    this.#status = new StatusLedger(options, { logs, branches, journal, unqueued, committer })
    this.#repairer = new LogRepairer(options, { logs, branches, journal, committer })
    this.#recovery = new SeedRecovery({ ...options, fs, warnings })
  }

  /** Durable when it returns. @throws also GitError DECISION_EXISTS, EVENT_ID_REUSED. */
  async request(mission: string, record: RequestedRecord): Promise<Appended> {
    return this.#run(() => this.#decisions.request(mission, record))
  }

  /** Durable when it returns. @throws also GitError DECISION_UNKNOWN, DECISION_ALREADY_ANSWERED. */
  async answer(mission: string, record: AnsweredRecord): Promise<Appended> {
    return this.#run(() => this.#decisions.answer(mission, record))
  }

  /** What the log knows of a work package; reads only. */
  async look(mission: string, wpId: string): Promise<PackageFacts> {
    try {
      return await withPoolPulse(() => this.#status.look(mission, wpId))
    } catch (error) {
      throw gitErrorFrom(error)
    }
  }

  /** Durable when it returns. @throws also GitError LANE_MOVED, EVENT_ID_REUSED; InputError TRANSITION_REFUSED. */
  async move(mission: string, record: TransitionRecord): Promise<Appended> {
    return this.#run(() => this.#status.move(mission, record))
  }

  /**
   * Commits what the paths stand for, and records the frames of the missions' branches: also where nothing is left to
   * commit, since who did may have died over its frame. What fails then is a warning. @throws also GitError SAFE_COMMIT_*.
   */
  async commitPaths(wanted: PathsCommit): Promise<MadeCommit> {
    return this.#run(async () => {
      const made = commitWantedPaths(wanted, this.#options, this.#logs.cache)
      if (await made.then(() => true, isCommitted)) await this.#recordFrames()
      return made
    })
  }

  /** Puts a damaged log right and commits it; with `isDry`, says what it would do. @throws also GitError LEDGER_CHANGED. */
  async repair(named: MissionLedger, isDry: boolean): Promise<LedgerRepair> {
    if (!isDry) return this.#run(() => this.#repairer.repair(named))
    try {
      return await withPoolPulse(() => this.#repairer.examine(named))
    } catch (error) {
      throw gitErrorFrom(error)
    }
  }

  /** Commits a ledger of the mission as it stands and records the frames of its branch. */
  async commit(mission: string, ledger: LedgerName): Promise<CommitAnswer> {
    const named = { mission, ledger }
    try {
      return await this.#run(async () => (await this.#committer.commit(named)).answer)
    } catch (error) {
      const deferral = deferralFrom(named, error)
      if (deferral === null) throw error
      return { type: 'git.deferred', deferral }
    }
  }

  /** The commit from which on the branch has held this answer, or null; reads only. */
  async locate(mission: string, eventId: string): Promise<string | null> {
    try {
      const placement = await this.#options.placementOf(mission)
      const known = this.#committer.firstHolding(placement, eventId)
      if (known !== null) return known
      const graph = await this.#logs.graph()
      return await withPoolPulse(() => findAnswerCommit(graph, placement, eventId))
    } catch (error) {
      throw gitErrorFrom(error)
    }
  }

  /** Puts our entries back where a native command has taken them out of an index, and lets go of what a user staged. */
  async mend(): Promise<void> {
    return this.#run(() => this.#mendIndexes())
  }

  /** Commits what waits, finds commits that have no frame yet, and events that have still to be queued. */
  async heal(): Promise<Healed> {
    return this.#run(async () => {
      const committed: string[] = []
      const deferred: Deferral[] = []
      await this.#mendIndexes()
      await this.#commitWaiting(committed, deferred)
      await this.#frames.record(await this.#logs.graph())
      // What the look found to be missing from a branch.
      await this.#commitWaiting(committed, deferred)
      return { committed, deferred, unqueued: await this.#unqueued.events() }
    })
  }

  /** Events whose lines are in a ledger and that the outbox may not hold yet. */
  async unqueued(): Promise<readonly SerializedEvent[]> {
    return this.#run(async () => this.#unqueued.events())
  }

  /** The outbox holds these events. */
  async forget(eventIds: readonly string[]): Promise<void> {
    return this.#run(async () => this.#unqueued.forget(eventIds))
  }

  /** The pending commits, topologically, then chronologically. */
  async frames(): Promise<readonly LocalCommit[]> {
    return this.#run(async () => this.#frames.frames(await this.#logs.graph()))
  }

  /** As of `FrameBook`. */
  async offer(except: readonly string[] = []): Promise<readonly LedgerFrame[]> {
    return this.#run(async () => this.#frames.offer(await this.#logs.graph(), except))
  }

  /** As of `FrameBook`. */
  confirmBy(hub: Confirmer, takes: readonly LedgerFeature[] = []): void {
    this.#frames.confirmBy(hub, takes)
  }

  /** Removes exactly these; unknown hashes change nothing. Answers how many are pending still. */
  async confirm(hashes: readonly string[]): Promise<number> {
    return this.#run(async () => this.#frames.confirm(await this.#logs.graph(), hashes))
  }

  /** What was found damaged and put right since the last call. */
  takeWarnings(): readonly LedgerWarning[] {
    return this.#warnings.take()
  }

  async #run<T>(body: () => Promise<T>): Promise<T> {
    const { repository, onStep, leavesSeeds = false } = this.#options
    const recoverSeeds = async (): Promise<void> => {
      if (!leavesSeeds) await this.#recovery.tryToRecover()
    }
    const hands = { errorFrom: gitErrorFrom, recoverSeeds }
    return withLedgerLock(repository, { ...hands, ...(onStep && { onStep }) }, body)
  }

  /** Each ledger once. */
  async #commitWaiting(committed: string[], deferred: Deferral[]): Promise<void> {
    for (const named of await this.#journal.ledgers()) {
      const { mission, ledger } = named
      if (deferred.some((one) => one.mission === mission && one.ledger === ledger)) continue
      const { answer, isNew } = await this.#committer.commit(named).catch((error: unknown) => ({
        answer: { type: 'git.deferred' as const, deferral: refusalFrom(named, error) },
        isNew: false,
      }))
      if (answer.type === 'git.deferred') deferred.push(answer.deferral)
      else if (isNew) committed.push(answer.commit)
    }
  }

  async #mendIndexes(): Promise<void> {
    const { commonDir } = this.#options.repository
    if (!hasIndexChanged(commonDir)) return
    const { hash } = requireFormat(commonDir)
    await mendIndexes(commonDir, { fs: this.#logs.fs, graph: await this.#logs.graph(), hash })
  }

  async #recordFrames(): Promise<void> {
    await this.#frames.record(await this.#logs.graph()).catch((error: unknown) => {
      if (deferralOf(error) === null && !(error instanceof KittiwakeError)) throw error
      const what = 'A commit was made, but its frame could not be recorded yet.'
      this.#warnings.add('FRAME_UNRECORDED', what)
    })
  }
}
