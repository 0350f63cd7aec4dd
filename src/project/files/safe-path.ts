/** Paths below a root that somebody else may have planted symbolic links in. */
import { lstatSync, realpathSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { ProjectError, systemCode } from '../../errors.ts'

/**
 * The absolute path of `segments` below `root`, none of which is a symbolic link; what is not there
 * yet is fine.
 *
 * @throws ProjectError PATH_REFUSED
 */
export function pathWithoutLinks(root: string, segments: readonly string[]): string {
  let path = root
  for (const segment of segments) {
    path = join(path, segment)
    if (isLink(path)) throw refused()
  }
  return path
}

/** No file stands in the place of a folder below `root`. @throws ProjectError PATH_REFUSED */
export function refuseFile(root: string, name: string): void {
  const stat = lstatSync(join(root, name), { throwIfNoEntry: false })
  if (stat?.isFile() === true) throw noFolder(`Move away what stands at ${name}.`)
}

export function noFolder(hint: string, cause?: unknown): ProjectError {
  return new ProjectError('PATH_REFUSED', 'a folder is expected where something else stands', {
    hint,
    cause,
  })
}

/**
 * Whether following the links on the way to `segments` leads out of `root`. Absent parts lead
 * nowhere.
 */
export function leavesRoot(root: string, segments: readonly string[]): boolean {
  let path = root
  for (const segment of segments) {
    path = join(path, segment)
    try {
      if (!isInside(realpathSync(root), realpathSync(path))) return true
    } catch (error) {
      // A link that leads nowhere may lead out tomorrow; a file without permission is reported when
      // read.
      return systemCode(error) === 'ENOENT' ? isLink(path) : systemCode(error) === 'ELOOP'
    }
  }
  return false
}

/** Whether `path` is `root` or below it, by their names; both absolute, and real where links must not count. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/**
 * A name that another tool gave to a folder, safe to join: ASCII, no separators, no `..`, no dot in
 * front.
 */
export function isSafeSegment(name: string): boolean {
  return /^[\x20-\x7e]{1,255}$/.test(name) && !/[/\\]|\.\.|^\.|^ | $/.test(name)
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw refused()
  }
}

function refused(): ProjectError {
  return new ProjectError(
    'PATH_REFUSED',
    'a path inside the repository without symbolic links is expected',
    {
      hint: 'Replace symbolic links at .kittify and kitty-specs by real folders and files.',
    },
  )
}
