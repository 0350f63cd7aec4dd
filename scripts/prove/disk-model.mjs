// A disk as the record of its changes says it was: at any moment, and as a cut of the power at that moment may leave it.
import {
  chmodSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
} from 'node:fs'
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const FOLDER = 'folder'
/** Written through a mapping, and of no account after a cut: SQLite makes it anew. */
const VOLATILE = /-shm$/

/** What the recorder wrote: `{ what, inode, offset, path, other, bytes }`, in the order of the changes. */
export function readRecord(log) {
  const found = []
  for (let at = 0; at < log.length;) {
    const end = log.indexOf(10, at)
    const [what, inode, offset, length, path, other] = log.toString('utf8', at, end).split('\t')
    at = end + 1 + Number(length)
    const bytes = log.subarray(end + 1, at)
    found.push({ what, inode, offset: Number(offset), path, other, bytes })
  }
  return found
}

/**
 * What a cut may do with what no fsync made sure of. `names` of new, changed and removed files: after a cut in the `journal`, up to
 * some moment after the last fsync of anything, as ext4 and XFS keep one order for all; where each folder has an order of its own,
 * in `folders`, up to some moment after its own last fsync. `data` of a file that was not fsynced since: `none` of it, or `some`.
 *
 * @type {Record<string, { names: string, data: string, isLeast: boolean }>}
 */
export const WAYS = {
  'what was fsynced': { names: 'journal', data: 'none', isLeast: true },
  'what was fsynced, each folder by itself': { names: 'folders', data: 'none', isLeast: true },
  'some more names, no data': { names: 'journal', data: 'none', isLeast: false },
  'some more names, some data': { names: 'journal', data: 'some', isLeast: false },
  'some more names of each folder, some data': { names: 'folders', data: 'some', isLeast: false },
}

/** A folder as it is before it is changed: its own copy of the bytes, and which file is which. */
export class Disk {
  #root
  #copy
  /** By path: FOLDER, or the number of a file. */
  #names = new Map()
  #files = new Map()
  #idByInode = new Map()

  /** `copy`: where the copy goes. */
  constructor(root, copy) {
    this.#root = root
    this.#copy = copy
    rmSync(copy, { recursive: true, force: true })
    cpSync(root, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
    for (const [path, found] of entriesOf(root)) {
      if (found.isDirectory()) this.#names.set(path, FOLDER)
      else if (!VOLATILE.test(path)) this.#learn(path, found)
    }
  }

  #learn(path, found) {
    const inode = String(found.ino)
    const id = this.#idByInode.get(inode) ?? `before ${inode}`
    this.#idByInode.set(inode, id)
    this.#names.set(path, id)
    const isLink = found.isSymbolicLink()
    const read = () => readFileSync(this.#copied(path))
    if (!this.#files.has(id)) this.#files.set(id, { read, mode: found.mode & 0o7777, isLink })
  }

  #copied(path) {
    return join(this.#copy, path.slice(this.#root.length))
  }

  /** The folder is as it was. */
  restore() {
    rmSync(this.#root, { recursive: true, force: true })
    cpSync(this.#copy, this.#root, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    })
  }

  /** The names and files after the first `at` changes, of which `keeper` says what is kept: `{ names, bytesOf, modeOf }`. */
  after(record, at, keeper) {
    const { changes, writes, modes } = this.#sort(record.slice(0, at))
    const names = new Map(this.#names)
    for (const change of changes) if (keeper.keepsName(change)) apply(names, change)
    prune(names, this.#root)
    const bytesOf = (id) => {
      const start = this.#files.get(id)?.read() ?? Buffer.alloc(0)
      return keeper.fill(start, id, writes.get(id) ?? [])
    }
    const modeOf = (id) => modes.get(id) ?? this.#files.get(id)?.mode ?? 0o644
    const isOld = (id) => this.#files.has(id) && !writes.has(id) && !modes.has(id)
    return { names, bytesOf, modeOf, isOld }
  }

  /** Builds it in the place of the folder. */
  build({ names, bytesOf, modeOf, isOld }) {
    this.restore()
    const before = this.#names
    const gone = [...before.keys()].filter((path) => names.get(path) !== before.get(path))
    for (const path of gone) rmSync(path, { recursive: true, force: true })
    for (const [path] of entriesOf(this.#root)) if (VOLATILE.test(path)) rmSync(path)
    const made = new Map()
    for (const [path, id] of [...names].sort(([one], [other]) => byText(one, other))) {
      const isThere = before.get(path) === id && !gone.some((one) => path.startsWith(`${one}/`))
      if (id === FOLDER) mkdirSync(path, { recursive: true })
      else if (isThere && isOld(id)) made.set(id, path)
      else if (made.has(id)) linkSync(made.get(id), path)
      else {
        if (this.#files.get(id)?.isLink) continue
        rmSync(path, { force: true })
        writeFileSync(path, bytesOf(id))
        chmodSync(path, modeOf(id))
        made.set(id, path)
      }
    }
  }

  /** Where the folder is not what the whole record makes of it: a change that was not written down. Paths. */
  strays(record) {
    const { names, bytesOf } = this.after(record, record.length, new Whole())
    const found = new Map(entriesOf(this.#root).filter(([path]) => !VOLATILE.test(path)))
    const lost = [...names.keys()].filter((path) => !found.has(path))
    const other = [...found].filter(([path, one]) => {
      const id = names.get(path)
      if (one.isDirectory() || id === undefined) return id !== FOLDER || !one.isDirectory()
      return !one.isSymbolicLink() && !readFileSync(path).equals(bytesOf(id))
    })
    return [...lost, ...other.map(([path]) => path)]
  }

  /** By what each change touches: names in their order, and what was written to which file. */
  #sort(record) {
    const idByInode = new Map(this.#idByInode)
    const names = new Map(this.#names)
    const [changes, writes, modes] = [[], new Map(), new Map()]
    const change = (one) => {
      changes.push(one)
      apply(names, one)
    }
    for (const [at, { what, inode, offset, path, other, bytes }] of record.entries()) {
      const id = idByInode.get(inode) ?? names.get(path)
      const put = (one) => writes.set(id, [...(writes.get(id) ?? []), { at, ...one }])
      if (VOLATILE.test(path)) continue
      if (what === 'create') {
        idByInode.set(inode, `made ${at}`)
        modes.set(`made ${at}`, offset & 0o777 & ~0o022)
        change({ at, path, id: `made ${at}` })
      } else if (what === 'mkdir') change({ at, path, id: FOLDER })
      else if (what === 'unlink') change({ at, path, id: null })
      else if (what === 'link') change({ at, path: other, id: names.get(path) })
      else if (what === 'rename') change({ at, path: other, id: names.get(path), from: path })
      else if (what === 'write') put({ offset, bytes })
      else if (what === 'truncate' || what === 'cut') put({ size: offset })
      else if (what === 'chmod' && id !== FOLDER) modes.set(id, offset & 0o777)
    }
    return { changes, writes, modes }
  }

  /** Which of the files a record means, at each of its changes. */
  idsOf(record) {
    const idByInode = new Map(this.#idByInode)
    return record.map(({ what, inode }, at) => {
      if (what === 'create') idByInode.set(inode, `made ${at}`)
      return idByInode.get(inode)
    })
  }
}

/** Everything is kept. */
class Whole {
  keepsName() {
    return true
  }

  fill(start, _id, writes) {
    return writes.reduce((bytes, one) => written(bytes, one), start)
  }
}

/** What is left of the first `at` changes by one of `WAYS`; `random` decides where there is a choice. */
export function keeperOf(disk, record, at, { way, random }) {
  const { names, data, isLeast } = WAYS[way]
  const done = record.slice(0, at)
  const ids = disk.idsOf(done)
  const syncs = [...done.entries()].filter(([, { what }]) => what === 'sync')
  const upTo = (last) => (isLeast ? last : random.between(last, at))
  const lastOf = (fits) => syncs.findLast(([place, one]) => fits(place, one))?.[0] ?? -1
  const journal = upTo(lastOf(() => true))
  const folders = new Map()
  const ofFolder = (folder) => {
    const known = folders.get(folder) ?? upTo(lastOf((_, { path }) => path === folder))
    folders.set(folder, known)
    return known
  }
  return {
    keepsName: ({ at: place, path }) =>
      place <= (names === 'journal' ? journal : ofFolder(dirname(path))),
    fill(start, id, writes) {
      const synced = lastOf((place) => ids[place] === id)
      const sure = writes.filter((one) => one.at <= synced)
      const rest = data === 'none' ? [] : writes.filter((one) => one.at > synced)
      const some = rest.filter(() => random.next() < 0.5)
      const kept = [...sure, ...some.map((one, n) => torn(one, n === some.length - 1, random))]
      return kept.reduce((bytes, one) => written(bytes, one), start)
    },
  }
}

/** The last of what was written may be half there. */
function torn(one, isLast, random) {
  if (!isLast || one.bytes === undefined || random.next() < 0.5) return one
  return { ...one, bytes: one.bytes.subarray(0, one.bytes.length >> 1) }
}

/** A gap is filled with NUL bytes. */
function written(bytes, { offset, bytes: more, size }) {
  const length = size ?? Math.max(bytes.length, offset + more.length)
  const whole = Buffer.alloc(length)
  bytes.copy(whole, 0, 0, length)
  if (more !== undefined) more.copy(whole, offset)
  return whole
}

function apply(names, { path, id, from }) {
  if (from !== undefined) {
    const below = [...names.keys()].filter((one) => one.startsWith(`${from}/`))
    for (const one of below) {
      names.set(path + one.slice(from.length), names.get(one))
      names.delete(one)
    }
    names.delete(from)
  }
  if (id === null || id === undefined) names.delete(path)
  else names.set(path, id)
}

/** What lies in a folder that is not there isn't there. */
function prune(names, root) {
  for (const path of [...names.keys()].sort(byText)) {
    const parent = dirname(path)
    if (path !== root && parent !== root && names.get(parent) !== FOLDER) names.delete(path)
  }
}

function byText(one, other) {
  return one < other ? -1 : 1
}

function entriesOf(root) {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return names.map((name) => join(root, name)).map((path) => [path, lstatSync(path)])
}
