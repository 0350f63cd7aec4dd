/**
 * `<commonDir>/kittiwake/deferred.json`: the missions whose log may hold what no commit holds. A mark is durable
 * before an answer is appended and goes after its commit and frame are recorded; no file, nothing waits.
 */
import { join } from 'node:path'
import { isJsonObject } from '../../../contracts/json/json.ts'
import type { Json, JsonObject } from '../../../contracts/json/json.ts'
import { LEDGERS } from '../protocol.ts'
import type { Deferral, DeferralReason, LedgerName } from '../protocol.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { readOwned, replaceOwned, replaceOwnedInTurn, setAside } from '../disk/owned-json.ts'
import type { OwnedText } from '../disk/owned-json.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'
import type { Warnings } from '../warnings.ts'

type DirtyMark = {
  /** Null while the commit is still expected to follow the answer. */
  readonly reason: DeferralReason | null
  readonly message: string
  /** ISO 8601: when the oldest uncommitted answer was appended. */
  readonly since: string
}

/** By mission, or `mission/ledger` for all ledgers but the decisions, which had it for themselves once. */
type DirtyMarks = ReadonlyMap<string, DirtyMark>

export type MissionLedger = { readonly mission: string; readonly ledger: LedgerName }

type JournalReading = { readonly marks: DirtyMarks; readonly damaged: boolean }

export const NOT_COMMITTED_YET = 'The record is in the log; its commit has not been made yet.'

// A record, so that the compiler notices a reason that is missing here.
const REASONS: Readonly<Record<DeferralReason, true>> = {
  index_locked: true,
  ref_locked: true,
  ledger_locked: true,
  head_moved: true,
  io_error: true,
  head_mismatch: true,
  detached_head: true,
  unborn_branch: true,
  worktree_missing: true,
  protected_branch: true,
  path_conflicted: true,
  path_refused: true,
  index_unsupported: true,
  repository_unsupported: true,
  repository_read_only: true,
  signing_failed: true,
  not_committed_yet: true,
}

const JOURNAL_BYTES_MAX = 16 * 1024 * 1024

/** The missions whose commit was deferred, with the reason, for `status`: reads only. */
export async function readDeferrals(commonDir: string): Promise<readonly Deferral[]> {
  const { marks } = await readDirtyMarks(commonDir)
  const deferrals: Deferral[] = []
  for (const [key, { reason, message }] of marks) {
    deferrals.push({ ...ledgerOf(key), reason: reason ?? 'not_committed_yet', message })
  }
  return deferrals
}

type JournalOptions = {
  readonly fs: DurableFs
  readonly commonDir: string
  /** Names all ledgers that are there, for the time after the journal itself was lost. */
  readonly rebuild: () => Promise<readonly MissionLedger[]>
  readonly warnings: Warnings
}

/** Writes under the repository lock. @throws GitError LEDGER_STATE_UNREADABLE and system errors. */
export class DirtyJournal {
  readonly #options: JournalOptions

  constructor(options: JournalOptions) {
    this.#options = options
  }

  async ledgers(): Promise<readonly MissionLedger[]> {
    return [...(await this.#marks()).keys()].map(ledgerOf)
  }

  /** Whether a record is in the log whose commit nobody has tried yet. */
  async isExpected(ledger: MissionLedger): Promise<boolean> {
    return (await this.#marks()).get(keyOf(ledger))?.reason === null
  }

  /** A mark that stands keeps its date. */
  async mark(ledger: MissionLedger, reason: DeferralReason | null, message: string): Promise<void> {
    const marks = new Map(await this.#marks())
    const since = marks.get(keyOf(ledger))?.since ?? new Date().toISOString()
    marks.set(keyOf(ledger), { reason, message, since })
    await this.#write(marks)
  }

  /** Nobody waits for it: a mark that a power cut brings back has nothing more to commit. */
  async clear(ledger: MissionLedger): Promise<void> {
    const { fs, commonDir } = this.#options
    const marks = new Map(await this.#marks())
    if (!marks.delete(keyOf(ledger))) return
    // Without marks there is no file.
    if (marks.size === 0) await fs.remove(deferralsPath(commonDir))
    else await replaceOwnedInTurn(fs, [fileOf(commonDir, marks)])
  }

  async #marks(): Promise<DirtyMarks> {
    const { fs, commonDir, rebuild, warnings } = this.#options
    const { marks, damaged } = await readDirtyMarks(commonDir)
    if (!damaged) return marks
    await setAside(fs, deferralsPath(commonDir))
    warnings.add(
      'DEFERRALS_REBUILT',
      'The list of deferred commits was damaged. All logs were checked again.',
    )
    const since = new Date().toISOString()
    const mark = { reason: null, message: NOT_COMMITTED_YET, since }
    const rebuilt = new Map((await rebuild()).map((ledger) => [keyOf(ledger), mark]))
    if (rebuilt.size > 0) await this.#write(rebuilt)
    return rebuilt
  }

  async #write(marks: DirtyMarks): Promise<void> {
    const { fs, commonDir } = this.#options
    const { path, text } = fileOf(commonDir, marks)
    await replaceOwned(fs, path, text)
  }
}

function fileOf(commonDir: string, marks: DirtyMarks): OwnedText {
  return {
    path: deferralsPath(commonDir),
    text: JSON.stringify(Object.fromEntries(marks), null, 2),
  }
}

async function readDirtyMarks(commonDir: string): Promise<JournalReading> {
  const reading = await readOwned(deferralsPath(commonDir), JOURNAL_BYTES_MAX)
  if (reading.state !== 'read') return { marks: new Map(), damaged: reading.state === 'damaged' }
  const marks = new Map<string, DirtyMark>()
  for (const [mission, value] of Object.entries(reading.value)) {
    const mark = isJsonObject(value) ? parseMark(value) : null
    if (mark === null) return { marks: new Map(), damaged: true }
    marks.set(mission, mark)
  }
  return { marks, damaged: false }
}

function parseMark(value: JsonObject): DirtyMark | null {
  const { reason, message, since } = value
  if (reason === undefined || !isReason(reason)) return null
  if (typeof message !== 'string' || typeof since !== 'string') return null
  return { reason, message, since }
}

function keyOf({ mission, ledger }: MissionLedger): string {
  return ledger === 'decisions' ? mission : `${mission}/${ledger}`
}

function ledgerOf(key: string): MissionLedger {
  const [mission = '', name] = key.split('/')
  return { mission, ledger: LEDGERS.find((ledger) => ledger === name) ?? 'decisions' }
}

/** Null stands for a commit that is still expected. */
export function isReason(value: Json): value is DeferralReason | null {
  return value === null || (typeof value === 'string' && Object.hasOwn(REASONS, value))
}

/** Whether it is there says whether anything waits. */
export function deferralsPath(commonDir: string): string {
  return join(commonDir, STATE_DIRECTORY, 'deferred.json')
}
