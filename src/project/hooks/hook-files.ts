/** The files of git's hooks: our lines in them, what the user has there kept in its place and in force. */
import { existsSync, linkSync, lstatSync, readlinkSync } from 'node:fs'
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { ProjectError, systemCode } from '../../errors.ts'
import { readBounded } from '../files/bounded-file.ts'
import { replaceDurably, sweepLeftovers, syncFolder } from '../files/durable-file.ts'
import { CHAINED_SUFFIX, hasBlock, newScript, withBlock, withoutBlock } from './hook-script.ts'
import type { HookName } from './hook-script.ts'
import { makeFolders } from '../files/make-folders.ts'
import { runGit } from '../git/native-git.ts'
import { ABSENT, foreign, INSTALLED, OUTDATED } from './part-state.ts'
import type { PartState } from './part-state.ts'
import type { Program } from './program-line.ts'
import { asProjectError } from '../files/replace-file.ts'
import { isInside, pathWithoutLinks } from '../files/safe-path.ts'
import type { Repository } from '../types.ts'

/** Absolute; null where git takes hooks from a folder that is not the repository's own. */
export type HookFolder = string | null

const HOOK_SIZE_MAX_BYTES = 1024 * 1024
const EXECUTABLE = 0o111
const SWITCHED_OFF = 'it is switched off, because it is not executable'

/**
 * Only the folder in the git directory is ours to write to: another belongs to other repositories, too, or is tracked.
 *
 * @throws GitError GIT_MISSING, GIT_TIMEOUT
 */
export async function findHookFolder({ worktree, commonDir }: Repository): Promise<HookFolder> {
  const args = ['config', '--show-scope', '-z', '--type=path', '--get-all', 'core.hooksPath']
  const { stdout } = await runGit(args, { cwd: worktree })
  const words = stdout.split('\0')
  // What our own call of git sets for itself is of the scope `command`.
  const named = words.findLast((_, at) => at % 2 === 1 && words[at - 1] !== 'command')
  const folder = resolve(
    worktree,
    named === undefined || named === '' ? join(commonDir, 'hooks') : named,
  )
  const way = relative(commonDir, folder)
  if (!isInside(commonDir, folder) || way === '' || isAbsolute(way)) return null
  try {
    return pathWithoutLinks(commonDir, way.split(sep))
  } catch (error) {
    if (error instanceof ProjectError) return null
    throw error
  }
}

export function lookAtHook(folder: HookFolder, hook: HookName, program: Program): PartState {
  const found = read(folder, hook)
  if (found.kind === 'unusable') return advise(hook, found.reason)
  if (isSwitchedOff(found)) return advise(hook, SWITCHED_OFF)
  if (found.kind !== 'script' || !hasBlock(found.text)) return ABSENT
  return withBlock(found.text, hook, program) === found.text ? INSTALLED : OUTDATED
}

/** Takes away what dead callers left. @throws the system's own errors */
export function healHook(folder: HookFolder, hook: HookName): void {
  if (folder !== null && existsSync(folder)) sweepLeftovers(join(folder, hook))
}

/** @throws ProjectError REPOSITORY_READ_ONLY, WRITE_FAILED */
export function installHook(folder: HookFolder, hook: HookName, program: Program): PartState {
  const found = read(folder, hook)
  if (found.kind === 'unusable') return advise(hook, found.reason)
  if (isSwitchedOff(found)) return advise(hook, SWITCHED_OFF)
  const { path } = found
  if (found.kind === 'absent') return write(path, newScript(hook, program, false), 0o755)
  const text = found.kind === 'script' ? withBlock(found.text, hook, program) : null
  if (found.kind === 'script' && text !== null) {
    return text === found.text ? INSTALLED : write(path, text, found.mode)
  }
  if (!keepUnderOtherName(path)) {
    return advise(hook, `its other name ${hook}${CHAINED_SUFFIX} is taken`)
  }
  return write(path, newScript(hook, program, true), 0o755)
}

/** Takes out our lines; what was the user's is as it was. @throws as `installHook` */
export function uninstallHook(folder: HookFolder, hook: HookName): PartState {
  const found = read(folder, hook)
  if (found.kind !== 'script' || !hasBlock(found.text)) return ABSENT
  const { path, mode } = found
  const rest = withoutBlock(found.text)
  if (rest.kind === 'script') write(path, rest.text, mode)
  else {
    changing(() => {
      if (rest.kind === 'nothing') rmSync(path)
      else renameSync(`${path}${CHAINED_SUFFIX}`, path)
      syncFolder(join(path, '..'))
    })
  }
  return ABSENT
}

function advise(hook: HookName, reason: string): PartState {
  return foreign(`${reason}: have it run \`kittiwake hooks run ${hook}\``)
}

type Found =
  | { readonly kind: 'absent' | 'link'; readonly path: string }
  /** Its bytes as characters. */
  | { readonly kind: 'script'; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly kind: 'unusable'; readonly reason: string }

/** A link is never read: it may lead anywhere. */
function read(folder: HookFolder, hook: HookName): Found {
  if (folder === null) {
    return {
      kind: 'unusable',
      reason: "git takes its hooks from a folder that is not this repository's own",
    }
  }
  const path = join(folder, hook)
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    return { kind: 'link', path }
  }
  const file = readBounded(path, HOOK_SIZE_MAX_BYTES, { followLink: false })
  if (file.state === 'absent') return { kind: 'absent', path }
  if (file.state === 'unusable') {
    return { kind: 'unusable', reason: 'what stands there is no readable file' }
  }
  return { kind: 'script', path, text: file.bytes.toString('latin1'), mode: file.mode }
}

function isSwitchedOff(found: Found): boolean {
  return found.kind === 'script' && (found.mode & EXECUTABLE) === 0
}

/** The same file under a second name, before ours takes the first: at each moment git finds one of them. */
function keepUnderOtherName(path: string): boolean {
  const other = `${path}${CHAINED_SUFFIX}`
  return changing(() => {
    try {
      if (lstatSync(path).isSymbolicLink()) symlinkSync(readlinkSync(path), other)
      else linkSync(path, other)
      return true
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
      // Ours where a crash came between the two names.
      const [one, two] = [lstatSync(path), lstatSync(other)]
      if (one.isSymbolicLink() && two.isSymbolicLink())
        return readlinkSync(path) === readlinkSync(other)
      return one.ino === two.ino
    }
  })
}

function write(path: string, text: string, mode: number): PartState {
  changing(() => {
    makeFolders(join(path, '..'))
    replaceDurably(path, { text: Buffer.from(text, 'latin1'), mode })
  })
  return INSTALLED
}

function changing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw asProjectError(error)
  }
}
