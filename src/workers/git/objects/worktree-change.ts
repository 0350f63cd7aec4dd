/** What a commit takes from the worktree: a file or a link as it stands there, or the news that it is gone. */
import type { BigIntStats } from 'node:fs'

export type WorktreeChange =
  | {
      /** Relative to the worktree, `/` between the names. */
      readonly path: string
      readonly kind: 'file' | 'link'
      /** As git keeps them: line ends as the attributes say; of a link, where it leads. */
      readonly bytes: Buffer
      /** Null keeps what HEAD has, for those who don't decide it. */
      readonly mode: '100644' | '100755' | '120000' | null
      readonly stats: BigIntStats
    }
  | { readonly path: string; readonly kind: 'deleted' }
