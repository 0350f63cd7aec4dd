/**
 * Puts our entries back into the index of a worktree where a native command has taken them out without being asked to: some
 * (`git commit`, `git reset -- PATH`) read the index before they lock it, and write what they have read though
 * a commit of ours came between. The user's next commit would take our rows off the branch.
 */
import { join } from 'node:path'
import type { HashName } from '../../../project/git/object-id.ts'
import type { CommitGraph } from '../objects/commit-graph.ts'
import { CommitDeferral } from '../deferral.ts'
import { NOTHING_UNSETTLED } from '../disk/durable-fs.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { forgetLocks, freeLocks, prepareLocks, publish, takeLocks } from '../refs/git-locks.ts'
import { readParent } from '../refs/head.ts'
import { patchIndex } from './index-file.ts'
import { readIndex, readIndexIdentity, readIndexVersion, timeBefore } from './index-reader.ts'
import { ABSENT, IndexScan } from './index-scan.ts'
import type { IndexState } from './index-reader.ts'
import { readReplaced, writeReplaced } from './replaced-book.ts'
import type { ReplacedEntries, ReplacedEntry } from './replaced-book.ts'
import { isMerging } from '../refs/repository-state.ts'

/** An entry that is gone can't be told from one that the user took out, but for how soon it went. */
const GONE_SOON_MS = 2_000

type Hands = { readonly fs: DurableFs; readonly graph: CommitGraph; readonly hash: HashName }

/** Looks at each index that was written since our commits. Call it under the repository lock. @throws system errors. */
export async function mendIndexes(commonDir: string, hands: Hands): Promise<void> {
  const known = readReplaced(commonDir)
  const kept: ReplacedEntries[] = []
  for (const entries of known) {
    const index = readIndexVersion(entries.gitDir)
    const settled = index === entries.index ? null : await mendIndex(commonDir, entries, hands)
    kept.push(settled === null ? entries : { ...entries, index: settled })
  }
  if (kept.some((one, at) => one !== known[at])) await writeReplaced(hands.fs, commonDir, kept)
}

/** The version of the index in which nothing is left to do, or null where that has to wait. */
async function mendIndex(
  commonDir: string,
  entries: ReplacedEntries,
  hands: Hands,
): Promise<string | null> {
  try {
    const version = readIndexVersion(entries.gitDir)
    const state = readIndex(entries.gitDir, hands.hash)
    const stale = staleIn(state, entries, hands.hash)
    if (stale.length === 0) return version
    // What a merge has made of the index is the user's to finish.
    if (isMerging(entries.gitDir)) return null
    const tip = readParent({ ...entries, commonDir })
    const ours = await heldBy(tip, stale, hands.graph)
    if (ours.length === 0) return version
    return await putBack({ ...entries, commonDir, entries: ours }, tip, state, hands)
  } catch (error) {
    if (error instanceof CommitDeferral) return null
    throw error
  }
}

function staleIn(
  { bytes, mtimeNs }: IndexState,
  { entries, at }: ReplacedEntries,
  hash: HashName,
): readonly ReplacedEntry[] {
  if (bytes === null) return []
  const scan = new IndexScan(bytes, hash)
  const isSoon = Number(mtimeNs / 1_000_000n) - at < GONE_SOON_MS
  return entries.filter(({ path, was }) => {
    const stamp = scan.stamp(Buffer.from(path))
    if (stamp === ABSENT) return isSoon && was.at(-1) === ABSENT
    return stamp !== null && was.includes(stamp)
  })
}

/** Those that the branch holds as we left them: what has changed there since is not ours any more. */
async function heldBy(
  tip: string,
  entries: readonly ReplacedEntry[],
  graph: CommitGraph,
): Promise<readonly ReplacedEntry[]> {
  const { tree } = await graph.commit(tip)
  const held: ReplacedEntry[] = []
  for (const entry of entries) {
    const found = await graph.entryAt(tree, entry.path)
    if ((found?.oid ?? null) === entry.oid) held.push(entry)
  }
  return held
}

async function putBack(
  place: ReplacedEntries & { readonly commonDir: string },
  tip: string,
  state: IndexState,
  { fs, hash }: Hands,
): Promise<string | null> {
  const { gitDir, entries } = place
  // Without times, git looks at the file itself when it is asked next.
  const files = entries.map(({ path, oid, mode }) => ({ path, oid, mode, stats: null }))
  const patched = patchIndex(state.bytes, files, hash, state.mtimeNs / 1_000_000_000n)
  const path = join(gitDir, 'index')
  const time = patched.racy ? { modifiedAt: timeBefore(state) } : {}
  const file = { bytes: patched.pieces, mode: state.mode ?? 0o644, ...time }
  const plan = { guarded: [{ path, file }], reflogs: [] }
  const prepared = await prepareLocks(fs, plan, NOTHING_UNSETTLED)
  try {
    if ((await takeLocks(fs, prepared)) !== null) return null
    if (readIndexIdentity(gitDir) !== state.identity || readParent(place) !== tip) return null
    const version = readIndexVersion(gitDir, 'index.lock')
    await publish(fs, path)
    return version
  } finally {
    await freeLocks(fs, prepared.journal)
      .then(() => forgetLocks(fs, prepared.journal))
      .catch(() => undefined)
  }
}
