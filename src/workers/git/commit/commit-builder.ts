/** Blob, trees and commit of ours, made from HEAD's tree; not durable before the locks are prepared. */
import { OID } from '../../../project/git/object-id.ts'
import type { Commit, CommitContext } from './commit-request.ts'
import { CommitDeferral } from '../deferral.ts'
import { spliceTree } from '../objects/tree.ts'
import type { SplicedFile } from '../objects/tree.ts'

export type BuiltCommit = {
  readonly parent: string
  readonly commit: Commit
  readonly files: readonly SplicedFile[]
  /** Unix seconds. */
  readonly timestamp: number
}

const TREE = new RegExp(`^tree (${OID})\\n`)

/** Null where the parent holds the same bytes already. @throws CommitDeferral and system errors. */
export async function buildCommit(
  { store, changes, request }: CommitContext,
  parent: string,
): Promise<BuiltCommit | null> {
  const rootOid = await readRootTree(store, parent)
  const tree = await spliceTree(store, rootOid, changes)
  if (tree.oid === rootOid) return null
  const timestamp = Math.floor(Date.now() / 1000)
  const { author, message } = request
  const oid = await store.commit({ tree: tree.oid, parent, author, message, timestamp })
  const changed = tree.files.filter(
    (file) =>
      file.oid !== file.previousOid || (file.oid !== null && file.mode !== file.previousMode),
  )
  const committedAt = new Date(timestamp * 1000).toISOString().replace('.000Z', '+00:00')
  const changedFiles = changed.map((file) => file.path)
  const commit = { oid, parents: [parent], committedAt, changedFiles }
  return { parent, commit, files: tree.files, timestamp }
}

async function readRootTree(store: CommitContext['store'], oid: string): Promise<string> {
  const { type, bytes } = await store.read(oid)
  const tree = TREE.exec(bytes.toString('latin1', 0, 80))?.[1]
  if (type === 'commit' && tree !== undefined) return tree
  throw new CommitDeferral('io_error', 'The tip of the branch is not a commit. Run git fsck.')
}
