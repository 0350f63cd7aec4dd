/** Reads HEAD and refs from git's files, without a process. Total: what can't be read is null. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { readBounded, readGitText } from '../files/bounded-file.ts'
import { isOid } from './object-id.ts'

export type Head = {
  /** Short branch name (`main`, `release/2.x`), or null where HEAD names no branch. */
  readonly branch: string | null
  /** Full name of what HEAD names, or null when detached. */
  readonly ref: string | null
  /** Null on an unborn branch. */
  readonly oid: string | null
  readonly detached: boolean
}

export type Ref = { readonly ref: string; readonly oid: string }

/** What one ref holds, before any symbolic one is followed. */
export type RefReading =
  | { readonly state: 'read'; readonly oid: string }
  | { readonly state: 'symbolic'; readonly target: string }
  | { readonly state: 'absent' }
  /** Something is there that can't be read; whoever writes must not take it for absent. */
  | { readonly state: 'unusable' }

const REF_SIZE_MAX_BYTES = 4096
const PACKED_REFS_SIZE_MAX_BYTES = 64 * 1024 * 1024
const SYMREF_DEPTH_MAX = 5
const REF_DEPTH_MAX = 32
const REMOTE_DEPTH_MAX = 4
const REF_COUNT_MAX = 1_000_000
const SYMREF = /^ref:[ \t]*(\S.*)$/
const NOTHING: Head = { branch: null, ref: null, oid: null, detached: false }

/** What the worktree with this git directory has checked out. */
export function readHead(gitDir: string, commonDir: string): Head {
  const path = join(gitDir, 'HEAD')
  const text = linkedRef(path) ?? readGitText(path, REF_SIZE_MAX_BYTES)
  if (text === null) return NOTHING
  if (isOid(text)) return { branch: null, ref: null, oid: text, detached: true }
  const ref = SYMREF.exec(text)?.[1]
  // A reftable repository keeps `refs/heads/.invalid` here, which is no name git would take.
  if (ref === undefined || !isRefName(ref)) return NOTHING
  const branch = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null
  return { branch, ref, oid: resolveRef(commonDir, ref), detached: false }
}

// Before 2005 HEAD was a symbolic link, and git still reads it.
function linkedRef(path: string): string | null {
  try {
    // Asked first: to fail costs ten times as much.
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return null
    const target = readlinkSync(path)
    return target.startsWith('refs/') ? `ref: ${target}` : null
  } catch {
    return null
  }
}

/** The object that a full ref name stands for; symbolic refs are followed. */
export function resolveRef(commonDir: string, ref: string): string | null {
  let name = ref
  for (let depth = 0; depth < SYMREF_DEPTH_MAX; depth++) {
    const reading = readRef(commonDir, name)
    if (reading.state === 'read') return reading.oid
    if (reading.state !== 'symbolic') return null
    name = reading.target
  }
  return null
}

/** Loose first, then packed. A symbolic link or a folder in the place of a loose ref is none. */
export function readRef(commonDir: string, ref: string): RefReading {
  if (!isRefName(ref)) return { state: 'absent' }
  const read = readBounded(join(commonDir, ref), REF_SIZE_MAX_BYTES, { followLink: false })
  if (read.state === 'unusable' && read.reason !== 'not_a_file') return { state: 'unusable' }
  if (read.state !== 'read') return readPackedRef(commonDir, ref)
  const text = read.bytes.toString('utf8').trimEnd()
  if (isOid(text)) return { state: 'read', oid: text }
  const target = SYMREF.exec(text)?.[1]
  return target === undefined ? { state: 'unusable' } : { state: 'symbolic', target }
}

function readPackedRef(commonDir: string, ref: string): RefReading {
  const text = packedRefsText(commonDir)
  if (text === null) return { state: 'unusable' }
  const line = text.split('\n').find((candidate) => candidate.endsWith(` ${ref}`))
  const oid = line?.slice(0, -ref.length - 1) ?? ''
  return isOid(oid) ? { state: 'read', oid } : { state: 'absent' }
}

/** All refs below a prefix such as `refs/heads/`, sorted by name; symbolic refs resolved. */
export function listRefs(commonDir: string, prefix: string): readonly Ref[] {
  const oidByRef = new Map<string, string>()
  for (const [ref, oid] of packedRefs(commonDir)) if (ref.startsWith(prefix)) oidByRef.set(ref, oid)
  for (const ref of looseRefs(commonDir)) {
    if (!ref.startsWith(prefix)) continue
    const oid = resolveRef(commonDir, ref)
    if (oid !== null) oidByRef.set(ref, oid)
  }
  return [...oidByRef].map(([ref, oid]) => ({ ref, oid })).sort((a, b) => (a.ref < b.ref ? -1 : 1))
}

/** A branch as it was fetched, from `origin` where that has it; else from the first remote by name, as in a fork. */
export function trackedBranch(commonDir: string, branch: string): Ref | null {
  const ref = `refs/remotes/origin/${branch}`
  const oid = resolveRef(commonDir, ref)
  if (oid !== null) return { ref, oid }
  const tracked = listRefs(commonDir, 'refs/remotes/')
  return tracked.find((one) => one.ref.endsWith(`/${branch}`)) ?? null
}

/** The short names of the branches that the remotes call their default, slashes kept (`release/2.x`). */
export function defaultRemoteBranches(commonDir: string): readonly string[] {
  return remoteHeadsBelow(commonDir, 'refs/remotes/', REMOTE_DEPTH_MAX)
}

// A remote's own name may hold slashes.
function remoteHeadsBelow(commonDir: string, prefix: string, depth: number): string[] {
  if (depth === 0) return []
  return entriesOf(join(commonDir, prefix)).flatMap((entry) => {
    if (entry.isDirectory())
      return remoteHeadsBelow(commonDir, `${prefix}${entry.name}/`, depth - 1)
    if (entry.name !== 'HEAD') return []
    const text = readGitText(join(commonDir, prefix, 'HEAD'), REF_SIZE_MAX_BYTES) ?? ''
    const target = SYMREF.exec(text)?.[1] ?? ''
    return isRefName(target) && target.startsWith(prefix) ? [target.slice(prefix.length)] : []
  })
}

// Control characters, space, and what git's own check refuses.
const REF_REFUSED = /[\0- \x7f~^:?*[\\]|\.\.|@\{|\/\/|\.$|\/$|\.lock(?:\/|$)|(?:^|\/)\./

/**
 * Whether git would take this as a full ref name: below `refs/`, no `..`, no component that starts
 * with a dot.
 */
function isRefName(ref: string): boolean {
  return ref.startsWith('refs/') && ref.length > 5 && ref.length <= 1024 && !REF_REFUSED.test(ref)
}

/** Whether this is a short branch name that is safe as an argument and as a path. */
export function isBranchName(branch: string): boolean {
  return branch !== 'HEAD' && !branch.startsWith('-') && isRefName(`refs/heads/${branch}`)
}

function packedRefs(commonDir: string): ReadonlyMap<string, string> {
  const oidByRef = new Map<string, string>()
  for (const line of (packedRefsText(commonDir) ?? '').split('\n')) {
    // `#` starts the header, `^` the peeled object of the tag above.
    const space = line.indexOf(' ')
    if (space < 40 || line.startsWith('#') || line.startsWith('^')) continue
    const oid = line.slice(0, space)
    const ref = line.slice(space + 1).trimEnd()
    if (isOid(oid) && isRefName(ref)) oidByRef.set(ref, oid)
  }
  return oidByRef
}

// Null where the file is there and can't be read.
function packedRefsText(commonDir: string): string | null {
  const path = join(commonDir, 'packed-refs')
  const read = readBounded(path, PACKED_REFS_SIZE_MAX_BYTES, { followLink: true })
  if (read.state === 'unusable') return null
  return read.state === 'read' ? read.bytes.toString('utf8') : ''
}

function looseRefs(commonDir: string): string[] {
  const refs: string[] = []
  const stack: { ref: string; depth: number }[] = [{ ref: 'refs', depth: 0 }]
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (item.depth > REF_DEPTH_MAX || refs.length > REF_COUNT_MAX) continue
    for (const entry of entriesOf(join(commonDir, item.ref))) {
      const ref = `${item.ref}/${entry.name}`
      if (entry.isDirectory()) stack.push({ ref, depth: item.depth + 1 })
      else if (isRefName(ref)) refs.push(ref)
    }
  }
  return refs
}

function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch {
    return []
  }
}
