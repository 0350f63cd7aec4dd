/** Blob, trees and commit of ours, made from HEAD's tree; durable before any lock is taken. */
import { GitError } from '../../errors.ts'
import type { Commit, CommitContext, CommitRequest, Signature } from './commit.ts'
import { CommitDeferral } from './deferral.ts'
import { spliceTree } from './tree.ts'
import type { SplicedFile } from './tree.ts'

export type BuiltCommit = {
  readonly parent: string
  readonly commit: Commit
  readonly files: readonly SplicedFile[]
  /** Unix seconds. */
  readonly timestamp: number
}

/** Null where the parent holds the same bytes already. Throws CommitDeferral and system errors. */
export async function buildCommit(
  { store, changes, request }: CommitContext,
  parent: string,
): Promise<BuiltCommit | null> {
  const rootOid = await readRootTree(store, parent)
  const tree = await spliceTree(store, rootOid, changes)
  if (tree.oid === rootOid) return null
  const timestamp = Math.floor(Date.now() / 1000)
  const oid = await store.write('commit', renderCommit(tree.oid, parent, request, timestamp))
  await store.settle()
  const changed = tree.files.filter(
    (file) =>
      file.oid !== file.previousOid || (file.oid !== null && file.mode !== file.previousMode),
  )
  const committedAt = new Date(timestamp * 1000).toISOString().replace('.000Z', '+00:00')
  const changedFiles = changed.map((file) => file.path)
  const commit = { oid, parents: [parent], committedAt, changedFiles }
  return { parent, commit, files: tree.files, timestamp }
}

/** As git writes it: UTC, the message without what ends a C string, with one line end. */
function renderCommit(
  tree: string,
  parent: string,
  { author, message }: Pick<CommitRequest, 'author' | 'message'>,
  timestamp: number,
): Buffer {
  const { name, email } = checkSignature(author)
  const person = `${name} <${email}> ${timestamp} +0000`
  const text = message
    .replaceAll('\0', '')
    .replaceAll('\r', '')
    .replace(/^\n+|\n+$/g, '')
  return Buffer.from(
    `tree ${tree}\nparent ${parent}\nauthor ${person}\ncommitter ${person}\n\n${text}\n`,
  )
}

async function readRootTree(store: CommitContext['store'], oid: string): Promise<string> {
  const { type, bytes } = await store.read(oid)
  const tree = /^tree ([0-9a-f]{40})\n/.exec(bytes.toString('latin1', 0, 46))?.[1]
  if (type === 'commit' && tree !== undefined) return tree
  throw new CommitDeferral('io_error', 'The tip of the branch is not a commit. Run git fsck.')
}

/** Throws GitError `SIGNATURE_INVALID` for what would break the commit's header. */
function checkSignature({ name, email }: Signature): Signature {
  if (/^[^<>\p{Cc}]+$/u.test(name) && /^[^<>\p{Cc}]*$/u.test(email)) return { name, email }
  throw new GitError('SIGNATURE_INVALID', 'An author has a name and an e-mail without < or >.', {
    hint: 'Correct user.name and user.email in the git configuration.',
  })
}
