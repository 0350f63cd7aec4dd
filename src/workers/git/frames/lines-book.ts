/**
 * Which ledger lines the hub has still to get: those of the commits that it has confirmed, but for what it has. That is kept
 * beside the confirmed hashes, `<commonDir>/kittiwake/told`, in the same form: so a crash between a commit and its lines
 * costs nothing, and another hub, or this one in another epoch, is told anew. Called under the repository lock.
 */
import { createHash } from 'node:crypto'
import { LINES_LENGTH_MAX } from '../../../contracts/wire/ledger-lines.ts'
import type { LedgerLines } from '../../../contracts/wire/ledger-lines.ts'
import { encodeJson } from '../../../contracts/json/json.ts'
import { addAcknowledged, readAcknowledged, setConfirmer } from './acknowledged.ts'
import type { CommitGraph, CommitNode } from '../objects/commit-graph.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { releasedLogs } from '../logs/ledger-history.ts'
import type { ReleasedLog } from '../logs/ledger-history.ts'
import { linesOfCommit, linesOfHistory } from '../logs/lines-of-commit.ts'
import type { Clean, NamedOwner } from '../logs/lines-of-commit.ts'

export type LinesBookOptions = {
  readonly commonDir: string
  readonly fs: DurableFs
  /** Null: no line ever leaves. */
  readonly clean: Clean | null
}

/** What one claim brings. */
const CLAIM_LENGTH_MAX = 4 * LINES_LENGTH_MAX
/** Commits that one claim looks at: whoever writes waits for as long. */
const CLAIM_COMMITS_MAX = 64
const TOLD = 'told'

/** Where lines come from: a confirmed commit, or all that the logs of a mission held in one. */
type Source = { readonly id: string; readonly commit: string; readonly mission: string | null }

type Part = { readonly source: string; readonly open: Set<string> }

export class LinesBook {
  readonly #options: LinesBookOptions
  #isTaken = false
  /** Those that were given out, by their ids, each with its source and what of that was given out and is not held yet. */
  readonly #given = new Map<string, Part>()

  constructor(options: LinesBookOptions) {
    this.#options = options
  }

  /** Whether the hub that has greeted takes lines. */
  aim(takesLines: boolean): void {
    this.#isTaken = takesLines
    this.#given.clear()
  }

  /**
   * The next ones for the hub with this key, in the order in which it confirmed their commits.
   *
   * @param except ids of what it has refused
   */
  async frames(
    graph: CommitGraph,
    key: string | null,
    owner: NamedOwner,
    except: ReadonlySet<string>,
  ): Promise<readonly LedgerLines[]> {
    const { clean, commonDir } = this.#options
    if (key === null || clean === null || !this.#isTaken) return []
    const told = readAcknowledged(commonDir, { as: key, file: TOLD }).hashes
    const frames: LedgerLines[] = []
    const done: string[] = []
    let length = 0
    let looked = 0
    for (const { id, commit: hash, mission } of this.#sources(key, told)) {
      if (length > CLAIM_LENGTH_MAX || looked >= CLAIM_COMMITS_MAX) break
      const commit = await graph.findCommit(hash)
      const all = commit === null ? [] : await linesIn(graph, { commit, mission }, owner, clean)
      const open = all.filter(({ lines_id }) => !told.has(lines_id))
      if (open.length === 0) done.push(id)
      // However many are refused, they are not all that is looked at.
      if (open.length === 0 || open.some((frame) => !except.has(frame.lines_id))) looked += 1
      const part = { source: id, open: new Set(open.map(({ lines_id }) => lines_id)) }
      for (const frame of open) {
        if (except.has(frame.lines_id) || length > CLAIM_LENGTH_MAX) continue
        frames.push(frame)
        this.#given.set(frame.lines_id, part)
        length += encodeJson(frame.rows).length
      }
    }
    await this.#note(key, done)
    // Nothing of these was to be told: what stands behind them is.
    return frames.length === 0 && done.length > 0 ? this.frames(graph, key, owner, except) : frames
  }

  /** Those that are not told. What was announced comes first; history waits for nobody. */
  #sources(key: string, told: ReadonlySet<string>): readonly Source[] {
    const { commonDir } = this.#options
    const sources: Source[] = []
    for (const commit of readAcknowledged(commonDir, { as: key }).hashes) {
      if (!told.has(commit)) sources.push({ id: commit, commit, mission: null })
    }
    for (const log of releasedLogs(commonDir)) {
      const id = historyIdOf(log)
      if (!told.has(id)) sources.push({ id, ...log })
    }
    return sources
  }

  /** The hub holds those of these that are lines; others change nothing. */
  async confirm(key: string | null, ids: readonly string[]): Promise<void> {
    if (key === null) return
    const held: string[] = []
    for (const id of ids) {
      const part = this.#given.get(id)
      if (part === undefined) continue
      this.#given.delete(id)
      held.push(id)
      part.open.delete(id)
      // With the last of its lines a commit needs no second look.
      if (part.open.size === 0) held.push(part.source)
    }
    await this.#note(key, held)
  }

  async #note(key: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    const { fs, commonDir } = this.#options
    if (readAcknowledged(commonDir, { file: TOLD }).key !== key) {
      await setConfirmer(fs, commonDir, key, TOLD)
    }
    await addAcknowledged(fs, commonDir, ids, TOLD)
  }
}

function linesIn(
  graph: CommitGraph,
  { commit, mission }: { readonly commit: CommitNode; readonly mission: string | null },
  owner: NamedOwner,
  clean: Clean,
): Promise<readonly LedgerLines[]> {
  return mission === null
    ? linesOfCommit(graph, commit, owner, clean)
    : linesOfHistory(graph, { commit, mission }, owner, clean)
}

function historyIdOf({ mission, commit }: ReleasedLog): string {
  return createHash('sha256').update(`history ${commit} ${mission}`, 'utf8').digest('hex')
}
