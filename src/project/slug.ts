/**
 * Names of a project from its remote: what follows the host, and never a credential, a query, or
 * the home folder that a path remote may run through.
 */
import { parseRemote } from './git/remote-url.ts'
import type { Remote } from './git/remote-url.ts'

const SLUG_LENGTH_MAX = 100
const NAMELESS = 'project'

/** The project's slug: from the remote of `origin`, else from the folder's name; never blank. */
export function slugOf(originUrl: string | null, directoryName: string): string {
  const fromUrl = originUrl === null ? null : lastName(parseRemote(originUrl))
  const name = fromUrl ?? directoryName
  return normalize(name) || normalize(directoryName) || NAMELESS
}

/** `owner/name` (sub-groups kept) of a remote on a network, else null. */
export function repoSlugOf(url: string | null): string | null {
  const remote = url === null ? null : parseRemote(url)
  if (remote === null || remote.kind !== 'network') return null
  const segments = remote.segments.map((segment) => segment.trim()).filter((s) => s !== '')
  const last = segments.length - 1
  const names = segments.map((segment, i) => (i === last ? withoutGit(segment) : segment))
  const runsThroughHome = remote.absolute && homeDepth(segments) > 0
  const clean = names.length >= 2 && names.every(isPublicName) && !runsThroughHome
  return clean ? names.join('/') : null
}

/** The name of a project's folder; blank where it is a home folder, whose name is its user's. */
export function directoryNameOf(root: string): string {
  const segments = root.split(/[\\/]+/).filter((segment) => segment !== '')
  return homeDepth(segments) === segments.length ? '' : (segments.at(-1) ?? '')
}

function lastName(remote: Remote | null): string | null {
  if (remote === null) return null
  const segments = remote.segments.map((s) => s.trim()).filter((s) => s !== '' && s !== '.')
  // A path remote may end in the git directory of a checkout.
  if (/^\.git$/i.test(segments.at(-1) ?? '')) segments.pop()
  const last = segments.at(-1)
  if (last === undefined || (remote.absolute && homeDepth(segments) === segments.length))
    return null
  const name = withoutGit(last)
  return isPublicName(name) ? name : null
}

function withoutGit(name: string): string {
  return name.replace(/\.git$/i, '')
}

const TOKEN = /^(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|eyJ)/

// What could still be a credential, a user's folder or a step out of the path is no name.
function isPublicName(name: string): boolean {
  if (name === '' || name === '..' || name === '.' || name.startsWith('~')) return false
  return !/[@:=&/\\]/.test(name) && !TOKEN.test(name) && normalize(name) !== ''
}

const HOME_PARENTS: ReadonlySet<string> = new Set(['home', 'users', 'documents and settings'])

// How many leading segments name a home folder: 2 for `/home/ann`, 1 for `/root` and `~ann`, else
// 0.
function homeDepth(segments: readonly string[]): number {
  const names = segments.filter((segment) => segment !== '')
  // `C:\Users\ann` comes with its drive where the path is a real one.
  const drive = /^[a-z]:$/i.test(names[0] ?? '') ? 1 : 0
  const first = (names[drive] ?? '').toLowerCase()
  if (first.startsWith('~') || first === 'root') return drive + 1
  if (['var', 'export', 'mnt', 'data'].includes(first)) {
    return HOME_PARENTS.has((names[drive + 1] ?? '').toLowerCase()) ? drive + 3 : 0
  }
  return HOME_PARENTS.has(first) ? drive + 2 : 0
}

// An `@` would make a folder's name look like an e-mail address, if it is none.
function normalize(name: string): string {
  const plain = name
    .replace(/\p{C}/gu, '')
    .trim()
    .toLowerCase()
    .normalize('NFC')
    .replace(/[_@\s]/g, '-')
  return Array.from(plain).slice(0, SLUG_LENGTH_MAX).join('')
}
