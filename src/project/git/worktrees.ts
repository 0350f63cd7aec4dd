/** The checkouts that git has registered for a repository, from its files. */
import { realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { readGitText } from '../files/bounded-file.ts'
import { pointedTo } from './git-dir.ts'
import { namesIn } from '../files/names-in.ts'
import { readHead } from './git-files.ts'
import type { Head } from './git-files.ts'
import type { Repository } from '../types.ts'

export type Checkout = {
  /** Real path; for one that is gone, the path that git remembers. */
  readonly worktree: string
  readonly gitDir: string
  readonly head: Head
  /** False where the folder is gone, its `.git` no longer points back, or git is not done with it. */
  readonly present: boolean
  /** Git is making it, or died while it did. */
  readonly unfinished: boolean
}

const POINTER_SIZE_MAX_BYTES = 16 * 1024
const CHECKOUT_COUNT_MAX = 10_000

/** The primary checkout first, then the linked ones by name. */
export function listCheckouts({ root, commonDir }: Repository): readonly Checkout[] {
  const primary: Checkout = {
    worktree: root,
    gitDir: commonDir,
    head: readHead(commonDir, commonDir),
    present: true,
    unfinished: false,
  }
  const linked: Checkout[] = []
  const names = namesIn(join(commonDir, 'worktrees'))
  for (const name of names.toSorted().slice(0, CHECKOUT_COUNT_MAX)) {
    const checkout = linkedCheckout(join(commonDir, 'worktrees', name), commonDir)
    if (checkout !== null) linked.push(checkout)
  }
  return [primary, ...linked]
}

function linkedCheckout(gitDir: string, commonDir: string): Checkout | null {
  const pointer = readGitText(join(gitDir, 'gitdir'), POINTER_SIZE_MAX_BYTES)
  if (pointer === null || pointer === '') return null
  const file = resolve(gitDir, pointer)
  const head = readHead(gitDir, commonDir)
  const back = readGitText(file, POINTER_SIZE_MAX_BYTES)
  const target = back === null ? null : pointedTo(back)
  // Git locks a worktree with this word until all of it is there.
  const unfinished = readGitText(join(gitDir, 'locked'), POINTER_SIZE_MAX_BYTES) === 'initializing'
  try {
    const worktree = realpathSync(dirname(file))
    const pointsBack = target !== null && realpathSync(resolve(worktree, target)) === gitDir
    return { worktree, gitDir, head, present: pointsBack && !unfinished, unfinished }
  } catch {
    return { worktree: dirname(file), gitDir, head, present: false, unfinished }
  }
}
