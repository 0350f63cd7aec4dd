/** The index file of a worktree as it is now, with what tells it from every other state of it. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { systemCode } from '../../../errors.ts'
import type { HashName } from '../../../project/git/object-id.ts'
import { CommitDeferral } from '../deferral.ts'
import { unsplitIndex } from './index-split.ts'

export type IndexState = {
  readonly path: string
  /** Whole, also where git keeps it in two files; null where the worktree has no index. */
  readonly bytes: Buffer | null
  /** Equal for equal states: git replaces the file as a whole on each change. */
  readonly identity: string
  readonly mode: number | null
  readonly mtimeNs: bigint
}

/** `hash`: what the repository names objects by. @throws CommitDeferral `index_unsupported` where it is a symbolic link. */
export function readIndex(gitDir: string, hash: HashName): IndexState {
  const path = join(gitDir, 'index')
  const fd = openOrNull(path)
  if (fd === null) return { path, bytes: null, identity: 'absent', mode: null, mtimeNs: 0n }
  try {
    const stats = fstatSync(fd, { bigint: true })
    const mode = Number(stats.mode & 0o777n)
    const bytes = unsplitIndex(readFileSync(fd), gitDir, hash)
    return { path, bytes, identity: identityOf(stats), mode, mtimeNs: stats.mtimeNs }
  } finally {
    closeSync(fd)
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return null
    if (code !== 'ELOOP') throw error
    const message = 'The index of the worktree is a symbolic link, which is not supported.'
    throw new CommitDeferral('index_unsupported', message)
  }
}

/** The identity of the index that is there now, without reading it. */
export function readIndexIdentity(gitDir: string): string {
  try {
    return identityOf(lstatSync(join(gitDir, 'index'), { bigint: true }))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'absent'
    throw error
  }
}

/**
 * What tells this index from the next one by a look at its file, equal before and after our locks are forgotten: a link
 * that goes changes the identity. `name`: `index.lock` for the one that is about to be it. Total.
 */
export function readIndexVersion(gitDir: string, name = 'index'): string {
  try {
    const { ino, size, mtimeNs } = lstatSync(join(gitDir, name), { bigint: true })
    return [ino, size, mtimeNs].join(':')
  } catch {
    return 'absent'
  }
}

/**
 * Unix seconds for an index that takes the place of this one, where that holds entries as young as itself: git trusts
 * what is older than the index, and a younger one would hide changes of the user's.
 */
export function timeBefore({ mtimeNs }: IndexState): number {
  return Number(mtimeNs / 1000n - 1n) / 1e6
}

function identityOf(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
}
