/**
 * Preloaded into every thread of the built program (`--import`): counts the changes of the disk that one thread
 * makes, and kills the process at one of them. `KILL_STEP_THREAD` is a part of that worker's file name, or `main`,
 * `KILL_STEP_AT` the change, counted from 1 (0: none), `KILL_STEP_ON` an expression: only changes whose name and path
 * match are counted. `KILL_STEP_LOG` is a file that gets a line for each change. With `KILL_STEP_ERROR`, `EIO` or `ENOSPC`, the
 * change fails, once, and the process lives.
 * A write is two changes: before its first byte, and half of it. Of SQLite, which keeps each transaction whole by itself,
 * a change is a statement that writes or commits.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const { KILL_STEP_THREAD = '', KILL_STEP_AT = '0', KILL_STEP_ON = '' } = process.env
const { KILL_STEP_LOG, KILL_STEP_ERROR } = process.env
const counted = new RegExp(KILL_STEP_ON)
const killAt = Number(KILL_STEP_AT)
const thread = isMainThread ? 'main' : (process.argv[1]?.split(/[/\\]/).at(-1) ?? 'unknown')
const isCounted = thread.includes(KILL_STEP_THREAD)
const { writeSync } = fs
const log = KILL_STEP_LOG === undefined ? null : fs.openSync(KILL_STEP_LOG, 'a')
let steps = 0

/** `tear` makes the part of the change that is done when the process dies in the middle of it. */
function step(name, path, tear) {
  if (log !== null) writeSync(log, `${thread}\t${name}\t${path}\n`)
  if (!isCounted || !counted.test(`${name} ${path}`)) return
  steps += 1
  if (steps !== killAt) return
  tear?.()
  if (KILL_STEP_ERROR !== undefined) throw failure(name, path)
  process.kill(process.pid, 'SIGKILL')
  // The signal reaches this thread a moment later; nothing may happen in between.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

const FAILED_HERE = 'kill-at-step: this change fails'
const ERRNO = { EIO: 5, ENOSPC: 28 }
let SqliteError = Error
const SQLITE_CODE = { EIO: 'SQLITE_IOERR_WRITE', ENOSPC: 'SQLITE_FULL' }

/** As the system, or SQLite over it, says it. */
function failure(syscall, path) {
  const code = KILL_STEP_ERROR
  // So that whoever started this knows that it was met, whatever becomes of it.
  writeSync(2, `${FAILED_HERE}\n`)
  if (syscall === 'sql') return new SqliteError(`${code}: ${path}`, SQLITE_CODE[code])
  const error = new Error(`${code}: planted, ${syscall} '${path}'`)
  return Object.assign(error, { code, errno: -ERRNO[code], syscall, path })
}

const isWriting = (flags) =>
  typeof flags === 'number'
    ? (flags & (fs.constants.O_CREAT | fs.constants.O_TRUNC)) !== 0
    : /[wa]/.test(flags ?? 'r')

function watch(owner, name, announce) {
  const original = owner[name]
  owner[name] = function watched(...args) {
    announce(args, this)
    return original.apply(this, args)
  }
}

for (const name of ['unlink', 'rmdir', 'mkdir', 'rm', 'truncate', 'chmod']) {
  watch(fs.promises, name, ([path]) => step(name, path))
  watch(fs, `${name}Sync`, ([path]) => step(name, path))
}
for (const name of ['rename', 'link', 'symlink']) {
  watch(fs.promises, name, ([from, to]) => step(name, `${from} to ${to}`))
  watch(fs, `${name}Sync`, ([from, to]) => step(name, `${from} to ${to}`))
}
const pathByFd = new Map()
const { open } = fs.promises
fs.promises.open = async function watched(path, ...rest) {
  if (isWriting(rest[0])) step('open', path)
  const opened = await open(path, ...rest)
  pathByFd.set(opened.fd, path)
  return opened
}
const { openSync } = fs
fs.openSync = function watched(path, ...rest) {
  if (isWriting(rest[0])) step('open', path)
  const fd = openSync(path, ...rest)
  pathByFd.set(fd, path)
  return fd
}
for (const owner of [fs.promises, fs]) {
  const suffix = owner === fs ? 'Sync' : ''
  for (const name of ['writeFile', 'appendFile']) {
    watch(owner, `${name}${suffix}`, ([path]) => step(name, path))
  }
}
watch(fs, 'writeSync', ([fd, bytes]) => {
  if (fd <= 2) return
  step('write', pathByFd.get(fd))
  step('write half of', pathByFd.get(fd), () => {
    const whole = Buffer.from(bytes)
    writeSync(fd, whole, 0, whole.length >> 1)
  })
})
for (const name of ['fsync', 'fdatasync', 'ftruncate', 'fchmod', 'futimes']) {
  watch(fs, `${name}Sync`, ([fd]) => step(name, pathByFd.get(fd)))
}

if (isCounted) await watchStatements()

/** Two transactions of one command are two changes; what SQLite does within one is its own. */
async function watchStatements() {
  const { default: Database } = await import('better-sqlite3')
  SqliteError = Database.SqliteError
  const database = new Database(':memory:')
  const statement = Object.getPrototypeOf(database.prepare('SELECT 1'))
  database.close()
  const changes = /^\s*(?:COMMIT|INSERT|UPDATE|DELETE|REPLACE|CREATE)\b/i
  for (const name of ['run', 'get']) {
    watch(statement, name, (_, { source }) => {
      if (changes.test(source)) step('sql', source.trim().split(/\s+/).slice(0, 3).join(' '))
    })
  }
  watch(Database.prototype, 'exec', ([sql]) => {
    if (changes.test(sql)) step('sql', sql.trim().split(/\s+/).slice(0, 3).join(' '))
  })
}

const handle = await open(process.execPath, 'r')
const prototype = Object.getPrototypeOf(handle)
await handle.close()
for (const name of ['write', 'writeFile', 'appendFile']) {
  watch(prototype, name, ([bytes], { fd }) => {
    step(name, pathByFd.get(fd))
    step(`${name} half of`, pathByFd.get(fd), () => {
      const whole = Buffer.from(bytes)
      writeSync(fd, whole, 0, whole.length >> 1)
    })
  })
}
for (const name of ['sync', 'datasync', 'truncate', 'chmod', 'utimes']) {
  watch(prototype, name, (_, { fd }) => step(name, pathByFd.get(fd)))
}
syncBuiltinESMExports()
