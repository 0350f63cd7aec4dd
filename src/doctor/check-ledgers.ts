/** Every ledger of the primary checkout and of the coordination worktrees, checked and folded on a pool of threads. */
import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { counted } from '../contracts/values/counted.ts'
import { systemCode } from '../errors.ts'
import { MISSIONS_FOLDER, WORKTREES_FOLDER } from '../project/missions/mission-names.ts'
import type { Repository } from '../project/types.ts'
import type { LogCheck, LogOutcome, LogUnreadable } from '../workers/bulk/check-log.ts'
import { checkLogs } from '../workers/bulk/check-logs.ts'
import { type Check, failed, note, ok } from './check.ts'

/** Logs that one run takes. */
const LOGS_MAX = 100_000
/** Checks that one run shows of logs; how many more there are is said. */
const SHOWN_MAX = 100
const COORDINATION = /-coord$/
const LEDGER = /\.events\.jsonl$/

export async function checkLedgers({ root }: Repository): Promise<readonly Check[]> {
  const finder = new LedgerFinder(root)
  await finder.findAll()
  const paths = finder.paths.slice(0, LOGS_MAX)
  const outcomes = await checkLogs(paths)
  const found = outcomes.flatMap((outcome) => judge(relative(root, outcome.path), outcome))
  const bad = [...finder.refused, ...found]
  const checks = [ok('ledgers', summaryOf(outcomes)), ...bad.slice(0, SHOWN_MAX)]
  const hidden = bad.slice(SHOWN_MAX)
  if (hidden.length > 0) {
    const detail = counted(hidden.length, 'more is not shown', 'more are not shown')
    const hint = 'Mend those that are shown, then run `kittiwake doctor` again.'
    const isFailure = hidden.some(({ state }) => state === 'failed')
    checks.push(isFailure ? failed('ledger', detail, hint) : note('ledger', detail, hint))
  }
  checks.push(...judgeMoves(root, outcomes))
  if (finder.paths.length > paths.length) {
    const more = finder.paths.length - paths.length
    checks.push(note('ledgers', counted(more, 'more was not looked at', 'more were not looked at')))
  }
  return checks
}

function summaryOf(outcomes: readonly LogOutcome[]): string {
  const total = { lines: 0, asked: 0, answered: 0 }
  for (const outcome of outcomes) {
    if (outcome.state !== 'checked') continue
    total.lines += outcome.lines
    total.asked += outcome.decisions?.asked ?? 0
    total.answered += outcome.decisions?.answered ?? 0
  }
  const { lines, asked, answered } = total
  const decisions = asked === 0 ? '' : `, ${counted(asked, 'decision')} asked, ${answered} answered`
  return `${counted(outcomes.length, 'file')}, ${counted(lines, 'line')}${decisions}`
}

function judge(name: string, outcome: LogOutcome): readonly Check[] {
  if (outcome.state === 'unreadable') return [judgeUnreadable(name, outcome)]
  const checks: Check[] = []
  const { faults, faultCount, repeated, torn }: LogCheck = outcome
  const [first] = faults
  if (first !== undefined) {
    const detail = `${name}: ${counted(faultCount, 'bad line')}, first ${first.line}: ${first.reason}`
    const hint = 'Look at the line and restore it with git; the other lines are served.'
    checks.push(failed('ledger', detail, hint))
  }
  if (torn) {
    const hint = 'The next decision of this mission moves the torn line into a side file.'
    checks.push(note('ledger', `${name}: the last line was cut short`, hint))
  }
  if (repeated > 0) {
    const lines = counted(repeated, 'line stands twice', 'lines stand twice')
    checks.push(note('ledger', `${name}: ${lines}`))
  }
  return checks
}

/** One note for all: what is recorded stays, and many old logs have some. */
function judgeMoves(root: string, outcomes: readonly LogOutcome[]): readonly Check[] {
  const odd = outcomes.flatMap((outcome) => {
    if (outcome.state !== 'checked' || outcome.oddMoves === null) return []
    const { count, first } = outcome.oddMoves
    return first === null ? [] : [{ path: outcome.path, count, first }]
  })
  const [shown] = odd
  if (shown === undefined) return []
  const total = odd.reduce((sum, { count }) => sum + count, 0)
  const { line, kind } = shown.first
  const where = `${relative(root, shown.path)}, line ${line}: ${kind.replace('_', ' ')}`
  const detail = `${counted(total, 'odd move')} in ${counted(odd.length, 'status log')}, first ${where}`
  return [note('moves', detail, 'See `kittiwake status verify`; what is recorded stays.')]
}

const HINTS: Readonly<Record<LogUnreadable['reason'], string>> = {
  absent: 'It went while it was looked for; run `kittiwake doctor` again.',
  not_a_file: 'Replace the symbolic link, pipe or folder by a plain file.',
  too_large: 'A log has at most 64 MiB: create a new mission for what comes.',
  unreadable: 'Give yourself the permission to read it, and check the disk.',
  thread_failed: 'Run `kittiwake doctor` again; report it if it stays.',
}

function judgeUnreadable(name: string, { reason }: LogUnreadable): Check {
  return failed('ledger', `${name}: ${reason.replaceAll('_', ' ')}`, HINTS[reason])
}

/** Looks in real folders only: a symbolic link may lead anywhere, and back. */
class LedgerFinder {
  readonly paths: string[] = []
  readonly refused: Check[] = []
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async findAll(): Promise<void> {
    await this.#findIn(this.#root)
    const worktrees = await this.#entries(join(this.#root, WORKTREES_FOLDER))
    for (const entry of worktrees) {
      if (!COORDINATION.test(entry.name) || !this.#isFolder(entry)) continue
      await this.#findIn(join(entry.parentPath, entry.name))
    }
    this.paths.sort()
  }

  async #findIn(checkout: string): Promise<void> {
    const specs = (await this.#entries(checkout)).find(({ name }) => name === MISSIONS_FOLDER)
    if (specs === undefined || !this.#isFolder(specs)) return
    for (const mission of await this.#entries(join(checkout, MISSIONS_FOLDER))) {
      if (mission.isFile() || !this.#isFolder(mission)) continue
      for (const file of await this.#entries(join(mission.parentPath, mission.name))) {
        if (LEDGER.test(file.name)) this.paths.push(join(file.parentPath, file.name))
      }
    }
  }

  #isFolder(entry: Dirent): boolean {
    if (entry.isSymbolicLink()) {
      const name = relative(this.#root, join(entry.parentPath, entry.name))
      const hint = 'Replace the symbolic link by a real folder.'
      this.refused.push(failed('ledger', `${name}: a symbolic link is not followed`, hint))
    }
    return entry.isDirectory()
  }

  async #entries(folder: string): Promise<readonly Dirent[]> {
    try {
      return await readdir(folder, { withFileTypes: true })
    } catch (error) {
      const code = systemCode(error)
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        const detail = `${relative(this.#root, folder)}: can not be read (${code ?? 'unknown'})`
        const hint = 'Give yourself the permission to read the folder, and check the disk.'
        this.refused.push(failed('ledger', detail, hint))
      }
      return []
    }
  }
}
