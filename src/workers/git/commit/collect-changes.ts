/**
 * What paths that somebody names stand for in a worktree, as native git would record it: files, links, what is gone, and
 * of a folder whatever is tracked or new in it. Nothing outside the worktree, and nothing of another repository.
 */
import { lstatSync, readlinkSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { gitBoolean, lastValue, parseGitConfig } from '../../../project/git/git-config.ts'
import { readBounded } from '../../../project/files/bounded-file.ts'
import { runGit } from '../../../project/git/native-git.ts'
import { readFormat } from '../../../project/git/repository-format.ts'
import type { Placement } from '../../../project/types.ts'
import { attributesOf, normalisesUnsaid, storedBytes } from './attributes.ts'
import { CommitDeferral } from '../deferral.ts'
import { CommitGraph } from '../objects/commit-graph.ts'
import { branchTip } from '../refs/head.ts'
import { IndexScan } from '../index/index-scan.ts'
import { readIndex } from '../index/index-reader.ts'
import { stateOrNull } from '../disk/path-state.ts'
import { readRegular, refused, refuseForeignFolders } from '../disk/worktree-file.ts'
import type { WorktreeChange } from '../objects/worktree-change.ts'

/** Paths that one commit takes, after folders were opened. */
const CHANGES_MAX = 100_000
const PATH_BYTES_MAX = 4096
const CONFIG_BYTES_MAX = 1024 * 1024
/** What git, or a file system of another kind, would take for the folder of git. */
const GIT_FOLDER = /^(?:\.git|git~\d+)[. ]*$/i
const LONE_SURROGATE = /\p{Surrogate}/u
/** Left out of names by some file systems, so that `.g\u200cit` is `.git` there. */
const IGNORABLE = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

/** @throws CommitDeferral `path_refused` and system errors. */
export async function collectChanges(
  placement: Placement,
  paths: readonly string[],
): Promise<readonly WorktreeChange[]> {
  const collecting = new Collecting(placement)
  const wanted = new Set<string>()
  for (const path of paths) {
    for (const one of await collecting.expand(path).catch(naming(path))) wanted.add(one)
    if (wanted.size > CHANGES_MAX) throw refused(`At most ${CHANGES_MAX} paths make a commit.`)
  }
  return collecting.read([...wanted])
}

/** Says which of the paths it was. */
function naming(path: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof CommitDeferral) error.path ??= path
    throw error
  }
}

class Collecting {
  readonly #placement: Placement
  readonly #index: IndexScan | null
  readonly #honoursMode: boolean
  readonly #graph: CommitGraph

  constructor(placement: Placement) {
    this.#placement = placement
    const { hash } = readFormat(placement.commonDir)
    const { bytes } = readIndex(placement.gitDir, hash)
    this.#index = bytes === null ? null : new IndexScan(bytes, hash)
    this.#graph = new CommitGraph(placement.commonDir)
    const config = readBounded(join(placement.commonDir, 'config'), CONFIG_BYTES_MAX, {
      followLink: true,
    })
    const entries = config.state === 'read' ? parseGitConfig(config.bytes.toString('utf8')) : []
    this.#honoursMode = gitBoolean(lastValue(entries, 'core.filemode')) !== false
  }

  /** The path itself, or what a folder holds. */
  async expand(path: string): Promise<readonly string[]> {
    const { worktree } = this.#placement
    const names = path === '.' ? [] : path.split('/')
    this.#refuseNames(path, names)
    const state = stateOrNull(join(worktree, ...names))
    if (state?.isDirectory() === true) {
      refuseForeignFolders(worktree, names)
      return this.#filesIn(path)
    }
    this.#refuseSparse(path)
    this.#refuseSubmodules(names)
    if (state !== null) {
      refuseForeignFolders(worktree, names.slice(0, -1))
      return [path]
    }
    this.#refuseLinksAbove(names)
    if (await this.#isTracked(path)) return [path]
    const gone = this.#trackedBelow(path)
    if (gone.length === 0) throw refused('A path is neither in the worktree nor tracked.')
    return gone
  }

  async read(paths: readonly string[]): Promise<readonly WorktreeChange[]> {
    const { worktree, commonDir } = this.#placement
    const present = paths.filter((path) => stateOrNull(join(worktree, path)) !== null)
    const attributes = await attributesOf(this.#placement, present)
    const normalises = normalisesUnsaid(commonDir)
    const changes: WorktreeChange[] = []
    for (const path of paths) {
      const absolute = join(worktree, path)
      const state = stateOrNull(absolute)
      // A folder now, where a file is tracked: of that, nothing is left.
      if (state === null || state.isDirectory()) changes.push({ path, kind: 'deleted' })
      else if (state.isSymbolicLink()) {
        const bytes = readlinkSync(absolute, { encoding: 'buffer' })
        const stats: BigIntStats = lstatSync(absolute, { bigint: true })
        changes.push({ path, kind: 'link', bytes, mode: '120000', stats })
      } else if (state.isFile()) {
        const { bytes, stats } = readRegular(absolute)
        const text = attributes.get(path)?.text ?? null
        const stored = await this.#stored(path, bytes, text, normalises)
        changes.push({ path, kind: 'file', bytes: stored, mode: this.#modeOf(path, stats), stats })
      } else throw refused('A path is neither a file nor a link nor a folder.')
    }
    return changes
  }

  /** Git keeps line ends that are in the index already, where nobody says that the file is text. */
  async #stored(
    path: string,
    bytes: Buffer,
    text: 'set' | 'unset' | 'auto' | null,
    normalises: boolean,
  ): Promise<Buffer> {
    const isAsked = text !== 'set' && bytes.includes('\r\n')
    const kept = isAsked && (text === 'auto' || normalises) ? await this.#indexed(path) : null
    return storedBytes(bytes, text, normalises, () => kept?.includes('\r\n') === true)
  }

  async #indexed(path: string): Promise<Buffer | null> {
    const at = this.#index?.find(Buffer.from(path)) ?? -1
    if (this.#index === null || at === -1) return null
    return this.#graph.blob(this.#index.oid(at))
  }

  /** Where the file system keeps no such bit, the index does. */
  #modeOf(path: string, stats: BigIntStats): '100644' | '100755' | null {
    if (this.#honoursMode) return (stats.mode & 0o100n) === 0n ? '100644' : '100755'
    const at = this.#index?.find(Buffer.from(path)) ?? -1
    return at !== -1 && this.#index?.mode(at) === '100755' ? '100755' : '100644'
  }

  #refuseNames(path: string, names: readonly string[]): void {
    if (Buffer.byteLength(path) > PATH_BYTES_MAX || path.includes('\0')) {
      throw refused(`A path has at most ${PATH_BYTES_MAX} bytes, and no NUL.`)
    }
    for (const [depth, name] of names.entries()) {
      const plain = name.replaceAll(IGNORABLE, '')
      const isBad = name === '' || name === '.' || name === '..' || GIT_FOLDER.test(plain)
      if (isBad || (depth === 0 && name === '.worktrees') || LONE_SURROGATE.test(name)) {
        throw refused('A path is not a plain path inside the worktree.')
      }
      if (process.platform === 'win32' && /[<>:"|?*\\\p{Cc}]|[. ]$/u.test(name)) {
        throw refused('This system can not hold the name of a path.')
      }
    }
  }

  /** A path that is left out of the worktree says nothing about its content. */
  #refuseSparse(path: string): void {
    const at = this.#index?.find(Buffer.from(path)) ?? -1
    if (at === -1 || this.#index?.hasSkipWorktree(at) !== true) return
    if (stateOrNull(join(this.#placement.worktree, path)) !== null) return
    throw refused('A path is left out of this worktree by its sparse checkout.')
  }

  #refuseSubmodules(names: readonly string[]): void {
    for (let depth = 1; depth <= names.length; depth += 1) {
      const at = this.#index?.find(Buffer.from(names.slice(0, depth).join('/'))) ?? -1
      if (at !== -1 && this.#index?.mode(at) === '160000') {
        throw refused('A path is a submodule, or in one.')
      }
    }
  }

  #refuseLinksAbove(names: readonly string[]): void {
    let folder = this.#placement.worktree
    for (const name of names.slice(0, -1)) {
      folder = join(folder, name)
      const state = stateOrNull(folder)
      if (state === null) return
      if (!state.isDirectory() && !state.isFile()) throw refused('A folder of the path is a link.')
    }
  }

  async #isTracked(path: string): Promise<boolean> {
    if ((this.#index?.find(Buffer.from(path)) ?? -1) !== -1) return true
    const { commonDir, ref } = this.#placement
    const tip = branchTip(commonDir, ref)
    if (tip === null) return false
    const { tree } = await this.#graph.commit(tip)
    const entry = await this.#graph.entryAt(tree, path)
    return entry !== null && !entry.isTree
  }

  #trackedBelow(path: string): string[] {
    const scan = this.#index
    const found: string[] = []
    if (scan === null) return found
    const prefix = Buffer.from(path === '.' ? '' : `${path}/`)
    for (let at = scan.lowerBound(prefix); at < scan.count; at += 1) {
      const name = scan.name(at)
      if (!name.subarray(0, prefix.length).equals(prefix)) break
      // A conflict is refused where the index is patched.
      if (!scan.hasSkipWorktree(at)) found.push(textOf(name))
    }
    return found
  }

  /** Whatever is tracked, there or gone, and what is new and not ignored: git itself knows best what it ignores. */
  async #filesIn(path: string): Promise<readonly string[]> {
    const pathspec = path === '.' ? [] : [`:(literal)${path}`]
    const args = ['ls-files', '-z', '--others', '--exclude-standard', '--', ...pathspec]
    const { code, stdout } = await runGit(args, { cwd: this.#placement.worktree })
    if (code !== 0) throw new CommitDeferral('io_error', 'The files of a folder can not be listed.')
    const fresh = stdout.split('\0').filter((name) => name !== '')
    const nested = fresh.filter((name) => name.endsWith('/'))
    if (nested.length > 0) throw refused('A folder of the path is a repository of its own.')
    const own = (this.#index?.find(Buffer.from(path)) ?? -1) === -1 ? [] : [path]
    const tracked = [...own, ...this.#trackedBelow(path)]
    for (const name of tracked) this.#refuseSubmodules(name.split('/'))
    return [...tracked, ...fresh]
  }
}

function textOf(name: Buffer): string {
  const text = name.toString('utf8')
  if (Buffer.from(text).equals(name)) return text
  throw refused('A name is not UTF-8. Commit it with git.')
}
