/**
 * Takes a remote's URL apart in all the forms that git knows, and leaves out what may be a
 * credential.
 */

export type Remote = {
  readonly kind: 'network' | 'path'
  /**
   * Whether the segments start at the root of a file system, so that they may run through a home
   * folder.
   */
  readonly absolute: boolean
  readonly segments: readonly string[]
}

// Other schemes, those that run a program (`ext::sh -c …`) above all, name no repository that we could read.
const SCHEMES: ReadonlySet<string> = new Set([
  'https',
  'http',
  'ssh',
  'git',
  'ftp',
  'ftps',
  'file',
  'git+ssh',
  'ssh+git',
  'git+https',
  'git+http',
])
const URL_FORM = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is
const HELPER_FORM = /^[a-z0-9+.-]+::/i
const DRIVE_FORM = /^[a-z]:(?:[\\/]|$)/i
// As git reads it: a colon before any slash; the host may be an IPv6 address in brackets.
const SCP_FORM = /^(?:\[[^\]]*\]|[^:/\\]+):(.*)$/s

/** The path that a remote names, or null where it names none that is safe to read. */
export function parseRemote(url: string): Remote | null {
  const text = url.trim()
  if (text === '' || HELPER_FORM.test(text)) return null
  const form = URL_FORM.exec(text)
  if (form !== null) return parseUrl((form[1] ?? '').toLowerCase(), form[2] ?? '')
  if (DRIVE_FORM.test(text)) return pathRemote(text)
  if (/^[/\\.~]/.test(text)) return pathRemote(text)
  const rest = afterCredentials(text)
  const path = SCP_FORM.exec(rest)?.[1]
  if (path !== undefined) return networkRemote(withoutQuery(path), path.startsWith('/'))
  return rest === text ? pathRemote(text) : null
}

function parseUrl(scheme: string, rest: string): Remote | null {
  if (!SCHEMES.has(scheme)) return null
  // What stands before the first slash is a host.
  if (scheme === 'file') return pathRemote((decode(rest) ?? '').replace(/^[^/\\]*/, ''))
  const path = afterCredentials(withoutQuery(rest)).replace(/^[^/]*/, '')
  return networkRemote(path, scheme.includes('ssh'))
}

function networkRemote(path: string, absolute: boolean): Remote | null {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    const decoded = decode(segment)
    if (decoded === null) return null
    segments.push(decoded)
  }
  return { kind: 'network', absolute, segments }
}

// A password may hold a slash, so it is the last `@` that ends the credentials.
function afterCredentials(text: string): string {
  return text.slice(text.lastIndexOf('@') + 1)
}

function withoutQuery(text: string): string {
  return text.replace(/[?#;].*$/s, '')
}

function pathRemote(path: string): Remote {
  return { kind: 'path', absolute: true, segments: path.split(/[\\/]/) }
}

function decode(text: string): string | null {
  try {
    const decoded = decodeURIComponent(text)
    return decoded.includes('\0') ? null : decoded
  } catch {
    return null
  }
}
