/** The contract of a repository's objects, which both implementations keep. */
import type { CommitDraft } from './commit-object.ts'
import type { Placement } from '../../../project/types.ts'
import type { DurableFs, Unsettled } from '../disk/durable-fs.ts'
import type { Signer } from './signer.ts'
import type { RepositoryFormat } from '../../../project/git/repository-format.ts'
import type { HashName } from '../../../project/git/object-id.ts'

export type RawObject = {
  readonly type: string
  /** Content without the header. */
  readonly bytes: Buffer
}

export type ObjectReader = {
  /** The object from this repository, or from one that it borrows objects from. @throws CommitDeferral and system errors. */
  readonly read: (oid: string) => Promise<RawObject>
}

/** @throws CommitDeferral and system errors. */
export type ObjectStore = ObjectReader & {
  readonly hash: HashName
  /** Answers the id. Nothing need be there before `takeUnsettled` was made durable. */
  readonly write: (type: 'blob' | 'tree', bytes: Uint8Array) => Promise<string>
  /** Answers the id. */
  readonly commit: (draft: CommitDraft) => Promise<string>
  /** What the caller makes durable, beside files of its own, before a branch may name any of it. */
  readonly takeUnsettled: () => Unsettled
}

export type StoreOptions = {
  readonly placement: Placement
  readonly fs: DurableFs
  readonly format: RepositoryFormat
  /** Packs and processes that are shared between calls, where the caller keeps it. */
  readonly cache: object
  /** Null: commits are not signed. */
  readonly signer: Signer | null
  readonly signingTimeoutMs: number
}
