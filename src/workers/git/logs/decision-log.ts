/** The history of a mission's decisions from git objects alone: any clone, any worktree, bare ones too. */
import { DECISION_LOG } from '../../../contracts/ledgers/decision-record.ts'
import type { Decision } from '../../../contracts/ledgers/decision-record.ts'
import { DecisionFold, summaryOf } from '../../../contracts/ledgers/fold-decisions.ts'
import type { FoldedDecision } from '../../../contracts/ledgers/fold-decisions.ts'
import { GitError, KittiwakeError } from '../../../errors.ts'
import { resolveRef } from '../../../project/git/git-files.ts'
import type { Placement } from '../../../project/types.ts'
import { CommitGraph } from '../objects/commit-graph.ts'
import type { CommitNode } from '../objects/commit-graph.ts'
import { parseDecisionLines } from './decision-lines.ts'
import type { DecisionLine } from './decision-lines.ts'
import type { SkippedLine } from './log-lines.ts'
import { deferralOf } from '../deferral.ts'
import { LOG_BYTES_MAX, logTooLarge } from './log-file.ts'
import { findMissionRef } from '../refs/mission-ref.ts'
import type { MissionRefOptions } from '../refs/mission-ref.ts'
import { withPoolPulse } from '../pool-pulse.ts'
import { requireFormat } from '../refs/repository-state.ts'

export type DecisionLogReading = {
  /** Full name. */
  readonly ref: string
  /** In the order of their requests. */
  readonly decisions: readonly Decision[]
  /** Lines that hold no usable record, in the order of the log. */
  readonly skipped: readonly SkippedLine[]
}

/** How far the search for an answer's commit goes back. */
export const HISTORY_COMMITS_MAX = 100_000

/**
 * Reads only. `commit` of a decision is the first commit on the ref's first-parent line from which on the log
 * has held the answer; null where a shallow clone ends before it. @throws GitError MISSION_NOT_FOUND, MISSION_AMBIGUOUS, REF_NOT_FOUND,
 * REPOSITORY_UNSUPPORTED, OBJECT_UNREADABLE.
 */
export async function readDecisionLog(options: MissionRefOptions): Promise<DecisionLogReading> {
  try {
    return await withPoolPulse(async () => {
      requireFormat(options.commonDir)
      return readLogOfMission(options)
    })
  } catch (error) {
    throw typed(error)
  }
}

/** The first commit on the ref's first-parent line from which on the log has held an answer, or null. */
export async function findAnswerCommit(
  graph: CommitGraph,
  { commonDir, ref, mission }: Placement,
  eventId: string,
): Promise<string | null> {
  const oid = resolveRef(commonDir, ref)
  if (oid === null) return null
  const path = `kitty-specs/${mission.directory}/${DECISION_LOG}`
  const tip = await graph.commit(oid)
  const log = await blobAt(graph, tip, path)
  if (log === null) return null
  const { decisions } = new DecisionFold(parseDecisionLines(log.bytes).lines)
  const wanted = decisions.filter(({ answer }) => answer?.event_id === eventId)
  return (await findAnswerCommits(graph, wanted, path, tip, log)).get(eventId) ?? null
}

async function readLogOfMission(options: MissionRefOptions): Promise<DecisionLogReading> {
  const graph = new CommitGraph(options.commonDir)
  const { ref, commit, directory } = await findMissionRef(graph, options)
  const path = `kitty-specs/${directory}/${DECISION_LOG}`
  const log = await blobAt(graph, commit, path)
  const { lines, skipped } = parseDecisionLines(log?.bytes ?? Buffer.alloc(0))
  const fold = new DecisionFold(lines)
  const commitByAnswer =
    log === null
      ? new Map<string, string>()
      : await findAnswerCommits(graph, fold.decisions, path, commit, log)
  const decisions = fold.decisions.map((decision) => render(decision, commitByAnswer))
  const all = [...skipped, ...fold.skipped].sort((a, b) => a.line - b.line)
  return { ref, decisions, skipped: all }
}

type LogBlob = { readonly oid: string; readonly bytes: Buffer }

/** Walks back as long as there is a log; holds two versions of it at a time. Answers commits by event id. */
async function findAnswerCommits(
  graph: CommitGraph,
  decisions: readonly FoldedDecision<DecisionLine>[],
  path: string,
  tip: CommitNode,
  log: LogBlob,
): Promise<ReadonlyMap<string, string>> {
  const commitByAnswer = new Map<string, string>()
  let open = decisions.flatMap(({ answerLine }) => answerLine ?? [])
  let commit = tip
  let version: string | undefined = log.oid
  for (let steps = 0; steps < HISTORY_COMMITS_MAX && open.length > 0; steps += 1) {
    // Behind the border of a shallow clone an older commit may hold the answer already.
    if (commit.isBorder) break
    const parent = commit.parents[0]
    const older = parent === undefined ? null : await graph.commit(parent)
    const entry = older === null ? null : await graph.entryAt(older.tree, path)
    if (entry?.oid !== version) {
      const bytes = entry === null || entry.isTree ? null : await graph.blob(entry.oid)
      const held = bytes === null ? () => false : holder(log.bytes, bytes)
      for (const line of open) {
        if (!held(line)) commitByAnswer.set(line.record.event_id, commit.oid)
      }
      open = open.filter((line) => !commitByAnswer.has(line.record.event_id))
      version = entry?.oid
    }
    if (older === null) break
    commit = older
  }
  return commitByAnswer
}

/** Tells which lines of the newest log an older version holds. An append-only log needs no parsing for that. */
function holder(
  newest: Buffer,
  older: Buffer,
): (line: { end: number; record: { event_id: string } }) => boolean {
  if (newest.subarray(0, older.length).equals(older)) return ({ end }) => end <= older.length
  const ids = new Set(parseDecisionLines(older).lines.map(({ record }) => record.event_id))
  return ({ record }) => ids.has(record.event_id)
}

async function blobAt(
  graph: CommitGraph,
  commit: CommitNode,
  path: string,
): Promise<LogBlob | null> {
  const entry = await graph.entryAt(commit.tree, path)
  if (entry === null || entry.isTree) return null
  const bytes = await graph.blob(entry.oid)
  if (bytes.length <= LOG_BYTES_MAX) return { oid: entry.oid, bytes }
  throw logTooLarge()
}

function render(folded: FoldedDecision, commitByAnswer: ReadonlyMap<string, string>): Decision {
  const { answer } = folded
  const commit = answer === null ? null : (commitByAnswer.get(answer.event_id) ?? null)
  return { ...summaryOf(folded), commit }
}

function typed(error: unknown): unknown {
  if (error instanceof KittiwakeError) return error
  const deferred = deferralOf(error)
  if (deferred === null) return error
  const isFormat = deferred.reason === 'repository_unsupported'
  const code = isFormat ? 'REPOSITORY_UNSUPPORTED' : 'OBJECT_UNREADABLE'
  return new GitError(code, deferred.message, {
    hint: 'Run the command in a complete clone, whose references are plain files.',
    cause: error,
  })
}
