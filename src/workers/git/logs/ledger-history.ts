/**
 * The logs of all missions as history for the team's hub: shown with a hash over exactly what is there, and released by that
 * hash. What is released is noted as `<commonDir>/kittiwake/history`, a mission and a commit a line; the link sends it.
 */
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { StoreError } from '../../../errors.ts'
import { readText } from '../../../project/files/bounded-file.ts'
import { replaceDurably } from '../../../project/files/durable-file.ts'
import { listRefs, readHead } from '../../../project/git/git-files.ts'
import { makeFolders } from '../../../project/files/make-folders.ts'
import { MISSIONS_FOLDER } from '../../../project/missions/mission-names.ts'
import { isOid } from '../../../project/git/object-id.ts'
import { STATE_DIRECTORY } from '../../../project/git/repository-lock.ts'
import { CommitGraph } from '../objects/commit-graph.ts'
import { gitErrorFrom } from './ledger-errors.ts'
import { logsOfMission } from './lines-of-commit.ts'
import { findMissionRef } from '../refs/mission-ref.ts'
import { withPoolPulse } from '../pool-pulse.ts'
import { requireFormat } from '../refs/repository-state.ts'

export type LedgerHistory = {
  readonly missions: number
  /** Lines of their logs. */
  readonly rows: number
  /** Over the missions, their commits and the contents of their logs. */
  readonly hash: string
}

export type ReleasedLog = { readonly mission: string; readonly commit: string }

type Found = ReleasedLog & { readonly rows: number; readonly content: string }

const BYTES_MAX = 16 * 1024 * 1024
const BRANCHES = 'refs/heads/kitty/mission-'

/** Reads only. @throws GitError. */
export async function previewLedgers(commonDir: string): Promise<LedgerHistory> {
  return summary(await findLogs(commonDir))
}

/** Durable when it returns. @throws StoreError HISTORY_CHANGED, GitError. */
export async function releaseLedgers(commonDir: string, hash: string): Promise<LedgerHistory> {
  const found = await findLogs(commonDir)
  const shown = summary(found)
  if (shown.hash !== hash) {
    throw new StoreError('HISTORY_CHANGED', 'the ledgers are not what was confirmed', {
      hint: 'Look again with `kittiwake sync import-history --ledgers`, and confirm the hash that it prints.',
    })
  }
  const path = historyPath(commonDir)
  makeFolders(dirname(path))
  const text = found.map(({ mission, commit }) => `${commit} ${mission}\n`).join('')
  replaceDurably(path, { text, mode: 0o644 })
  return shown
}

/** Total: a line that can't be read is none. */
export function releasedLogs(commonDir: string): readonly ReleasedLog[] {
  const text = readText(historyPath(commonDir), BYTES_MAX, { followLink: false })
  const lines = text?.split('\n') ?? []
  return lines.flatMap((line) => {
    const at = line.indexOf(' ')
    const [commit, mission] = [line.slice(0, at), line.slice(at + 1)]
    return isOid(commit) && mission !== '' ? [{ commit, mission }] : []
  })
}

export function historyPath(commonDir: string): string {
  return join(commonDir, STATE_DIRECTORY, 'history')
}

async function findLogs(commonDir: string): Promise<readonly Found[]> {
  try {
    return await withPoolPulse(async () => {
      requireFormat(commonDir)
      const graph = new CommitGraph(commonDir)
      const found: Found[] = []
      for (const mission of await directoriesOf(graph, commonDir)) {
        const { commit } = await findMissionRef(graph, { commonDir, mission })
        const logs = await logsOfMission(graph, commit, mission)
        const rows = logs.reduce((sum, { lines }) => sum + lines, 0)
        const content = logs.map(({ oid }) => oid).join(' ')
        if (rows > 0) found.push({ mission, commit: commit.oid, rows, content })
      }
      return found
    })
  } catch (error) {
    throw gitErrorFrom(error)
  }
}

/** Of HEAD and of the branches of missions, by name. */
async function directoriesOf(graph: CommitGraph, commonDir: string): Promise<readonly string[]> {
  const names = new Set(listRefs(commonDir, BRANCHES).map(({ ref }) => ref.slice(BRANCHES.length)))
  const { oid } = readHead(commonDir, commonDir)
  const head = oid === null ? null : await graph.peel(oid)
  const folder = head === null ? null : await graph.entryAt(head.tree, MISSIONS_FOLDER)
  const entries = folder?.isTree === true ? await graph.tree(folder.oid) : []
  for (const { name, isTree } of entries) if (isTree) names.add(name)
  return [...names].toSorted()
}

function summary(found: readonly Found[]): LedgerHistory {
  const hash = createHash('sha256')
  for (const { mission, commit, content } of found) hash.update(`${mission} ${commit} ${content}\n`)
  const rows = found.reduce((sum, one) => sum + one.rows, 0)
  return { missions: found.length, rows, hash: hash.digest('hex') }
}
