/**
 * Which confirmed commits a remote has by now, as far as the remote-tracking branches know. What the hub was told of is kept
 * beside the confirmed hashes, `<commonDir>/kittiwake/pushed`, in the same form. Called under the repository lock.
 */
import { PUSHED_MAX, pushedIdOf } from '../../../contracts/wire/ledger-frame.ts'
import type { CommitsPushed } from '../../../contracts/wire/ledger-frame.ts'
import { addAcknowledged, readAcknowledged, setConfirmer } from './acknowledged.ts'
import type { CommitGraph, CommitNode } from '../objects/commit-graph.ts'
import type { DurableFs } from '../disk/durable-fs.ts'
import { reachableIn } from '../objects/history.ts'
import type { Owner } from '../logs/lines-of-commit.ts'
import { remoteTips, remoteVersion } from '../refs/remote-refs.ts'

const PUSHED = 'pushed'
/** Commits that one look asks for: the latest. */
const LOOK_MAX = 2_000

export class PushedBook {
  readonly #commonDir: string
  readonly #fs: DurableFs
  #isTaken = false
  /** Where a look found nothing, and what it looked at. */
  #emptyAt = ''
  readonly #hashesById = new Map<string, readonly string[]>()

  constructor(commonDir: string, fs: DurableFs) {
    this.#commonDir = commonDir
    this.#fs = fs
  }

  /** Whether the hub that has greeted wants to know. */
  aim(takesPushed: boolean): void {
    this.#isTaken = takesPushed
    this.#emptyAt = ''
    this.#hashesById.clear()
  }

  /** What is to be told to the hub with this key, but for what it has refused. */
  async frames(
    graph: CommitGraph,
    key: string | null,
    owner: Owner,
    except: ReadonlySet<string>,
  ): Promise<readonly CommitsPushed[]> {
    if (key === null || !this.#isTaken) return []
    const commonDir = this.#commonDir
    const told = readAcknowledged(commonDir, { as: key, file: PUSHED }).hashes
    const confirmed = readAcknowledged(commonDir, { as: key }).hashes
    const open = [...confirmed].filter((hash) => !told.has(hash)).slice(-LOOK_MAX)
    const seenAt = `${key} ${open.at(-1) ?? ''} ${open.length} ${remoteVersion(commonDir)}`
    if (open.length === 0 || seenAt === this.#emptyAt) return []
    const pushed = await this.#reached(graph, open)
    if (pushed.length === 0) this.#emptyAt = seenAt
    return framesOf(pushed, owner).filter(({ pushed_id, git_hashes }) => {
      if (except.has(pushed_id)) return false
      this.#hashesById.set(pushed_id, git_hashes)
      return true
    })
  }

  /** The hub was told those of these that are frames of here; others change nothing. */
  async confirm(key: string | null, ids: readonly string[]): Promise<void> {
    const hashes = ids.flatMap((id) => this.#hashesById.get(id) ?? [])
    if (key === null || hashes.length === 0) return
    for (const id of ids) this.#hashesById.delete(id)
    if (readAcknowledged(this.#commonDir, { file: PUSHED }).key !== key) {
      await setConfirmer(this.#fs, this.#commonDir, key, PUSHED)
    }
    await addAcknowledged(this.#fs, this.#commonDir, hashes, PUSHED)
  }

  /** In the order in which they were confirmed. */
  async #reached(graph: CommitGraph, hashes: readonly string[]): Promise<readonly string[]> {
    const tips = remoteTips(this.#commonDir)
    if (tips.length === 0) return []
    const nodes = new Map<string, CommitNode>()
    for (const hash of hashes) {
      const node = await graph.findCommit(hash)
      if (node !== null) nodes.set(hash, node)
    }
    const reached = await reachableIn(graph, nodes, tips)
    return hashes.filter((hash) => reached.has(hash))
  }
}

function framesOf(hashes: readonly string[], owner: Owner): readonly CommitsPushed[] {
  const frames: CommitsPushed[] = []
  for (let at = 0; at < hashes.length; at += PUSHED_MAX) {
    const git_hashes = hashes.slice(at, at + PUSHED_MAX)
    frames.push({
      type: 'CommitsPushed',
      pushed_id: pushedIdOf(git_hashes),
      ...owner,
      git_hashes,
    })
  }
  return frames
}
