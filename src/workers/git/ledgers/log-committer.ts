/** Commits a ledger of a mission, and records the frame of the commit; or notes why that has to wait. */
import type { AnsweredRecord } from '../../../contracts/ledgers/decision-record.ts'
import { isJsonObject } from '../../../contracts/json/json.ts'
import { idsOf } from '../../../contracts/ledgers/repair-log.ts'
import { KittiwakeError } from '../../../errors.ts'
import type { Placement } from '../../../project/types.ts'
import { commitPaths } from '../commit/commit.ts'
import type { Commit } from '../commit/commit-request.ts'
import { CommitDeferral, deferralOf } from '../deferral.ts'
import type { DirtyJournal, MissionLedger } from '../logs/dirty-journal.ts'
import type { FrameBook } from '../frames/frame-book.ts'
import { branchTip } from '../refs/head.ts'
import { deferralFrom } from '../logs/ledger-errors.ts'
import type { MissionBranches } from '../frames/mission-branches.ts'
import { contentsOf } from './ledger-contents.ts'
import { readLogLines } from '../logs/log-lines.ts'
import type { Committable } from '../logs/mission-log.ts'
import type { LedgerOptions, MissionLogs } from '../logs/mission-logs.ts'
import type { GitAnswer, LedgerName } from '../protocol.ts'
import type { Warnings } from '../warnings.ts'

export type CommitAnswer = Extract<GitAnswer, { type: 'git.committed' | 'git.deferred' }>

export type LogCommit = {
  readonly answer: CommitAnswer
  /** False where an earlier commit holds the log as it stands. */
  readonly isNew: boolean
}

type Parts = {
  readonly logs: MissionLogs
  readonly branches: MissionBranches
  readonly frames: FrameBook
  readonly journal: DirtyJournal
  readonly warnings: Warnings
}

const ANSWERED: AnsweredRecord['event_type'] = 'DecisionInputAnswered'

/** The answers that no commit before this one held. */
type Fresh = { readonly commit: string; readonly eventIds: ReadonlySet<string> }

/** Its methods but `firstHolding` are called under the repository lock. */
export class LogCommitter {
  readonly #options: LedgerOptions
  readonly #parts: Parts
  readonly #freshByRef = new Map<string, Fresh>()

  constructor(options: LedgerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** @throws what is not a reason to defer. */
  async commit(named: MissionLedger): Promise<LogCommit> {
    const { branches, journal, warnings } = this.#parts
    try {
      const placement = await this.#options.placementOf(named.mission)
      await branches.track(placement)
      const { commit, isNew } = await this.#commitLog(placement, named.ledger)
      const ledger = { ...named, mission: placement.mission.directory }
      const frames = await this.#settle(ledger, isNew ? commit : null)
      return { answer: { type: 'git.committed', commit, frames }, isNew }
    } catch (error) {
      const deferral = deferralFrom(named, error)
      if (deferral === null) throw error
      // Where even that fails, the mark that stands since the record stays.
      await journal.mark(named, deferral.reason, deferral.message).catch(() => {
        warnings.add(
          'DEFERRAL_UNRECORDED',
          'The reason why a commit was deferred could not be written down.',
        )
      })
      return { answer: { type: 'git.deferred', deferral }, isNew: false }
    }
  }

  /**
   * The commit from which on the branch holds this answer, where that is the one it is at and was made here; null says
   * nothing. Costs a look at the branch, however long the log is.
   */
  firstHolding({ commonDir, ref }: Placement, eventId: string): string | null {
    const fresh = this.#freshByRef.get(ref)
    if (fresh?.eventIds.has(eventId) !== true) return null
    return branchTip(commonDir, ref) === fresh.commit ? fresh.commit : null
  }

  #remember(ref: string, { oid, parents }: Commit, { log, committed, tip }: Committable): void {
    // Somebody else's commit came in between, or the log was put in another order: what is new is not known.
    const isKnown = parents[0] === tip && log.subarray(0, committed.length).equals(committed)
    const { lines } = readLogLines(isKnown ? log.subarray(committed.length) : Buffer.alloc(0))
    const answers = lines.filter(
      ({ value }) => isJsonObject(value) && value['event_type'] === ANSWERED,
    )
    this.#freshByRef.set(ref, { commit: oid, eventIds: idsOf(answers) })
  }

  /** The commit that holds the log as it stands. @throws CommitDeferral. */
  async #commitLog(
    placement: Placement,
    ledger: LedgerName,
  ): Promise<{ commit: string; isNew: boolean }> {
    const { logs, warnings } = this.#parts
    const log = await logs.log(placement, ledger)
    await log.repair()
    const found = await log.committable()
    if (found === null) {
      const tip = branchTip(placement.commonDir, placement.ref)
      if (tip !== null) return { commit: tip, isNew: false }
      throw new CommitDeferral('unborn_branch', 'The branch of the mission has no commit yet.')
    }
    const { protectedBranches, author, onStep, repository } = this.#options
    const { fs } = logs
    const contents = await contentsOf(
      { placement, log, root: repository.root, fs, warnings },
      found,
    )
    const request = {
      placement,
      ...contents,
      author: await author(),
      protectedBranches: await protectedBranches(),
      cache: logs.cache,
    }
    const outcome = await commitPaths(request, onStep === undefined ? {} : { onStep })
    if (outcome.type === 'deferred') throw new CommitDeferral(outcome.reason, outcome.message)
    if (outcome.type === 'unchanged') return { commit: outcome.oid, isNew: false }
    this.#remember(placement.ref, outcome.commit, found)
    return { commit: outcome.commit.oid, isNew: true }
  }

  /** The commit stands, whatever happens here: what fails keeps the mark, and the next heal repeats it. */
  async #settle(ledger: MissionLedger, made: string | null): Promise<number> {
    const { logs, frames, journal, warnings } = this.#parts
    try {
      const pending = await frames.record(await logs.graph(), made)
      await journal.clear(ledger)
      return pending
    } catch (error) {
      if (!(error instanceof KittiwakeError) && deferralOf(error) === null) throw error
      warnings.add(
        'FRAME_UNRECORDED',
        'A commit was made, but its frame could not be recorded yet.',
      )
      return 0
    }
  }
}
