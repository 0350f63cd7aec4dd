// Where swept commands are run that change something beside the mission, and what may be wrong there afterwards.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import Database from 'better-sqlite3'

export const EMIT = ['emit', 'NoteTaken', '--payload', '{}']
export const NODE = '0123456789ab'
const SETTING = 'user.nickname'
/** Locks and halves of files, in whatever folder. */
const STRAY = /(?:\.lock|\.tmp|[/\\]tmp-[^/\\]*)$/
/** Git's own, of a branch, and halves of a mission that nobody was told of: in nobody's way. */
const OF_NO_ONE = /(?:refs[/\\]heads[/\\]kitty[/\\]|kitty-specs[/\\][^/\\]+[/\\]\.meta\.json)/

let made = 0
let knower = null

/** A path in the world that nothing has yet. */
export function newPath(world, name) {
  made += 1
  return join(world.home, `${name}-${made}`)
}

/** The same, of a file, in a folder of its own: what happens to the folder of all is not recorded. */
export function newFile(world, name) {
  const folder = newPath(world, name)
  mkdirSync(folder)
  return join(folder, name)
}

export function repository(world) {
  const root = newPath(world, 'repository')
  execFileSync('git', ['init', '-q', '-b', 'main', root], { env: world.env })
  writeFileSync(join(root, 'README.md'), '# Another\n')
  world.git(root, 'add', '.')
  world.git(root, 'commit', '-q', '-m', 'Start')
  return root
}

/** A repository with an identity, and where its outbox is. */
export async function project(world) {
  const root = repository(world)
  const { project: made } = await done(world, root, ['init'])
  return { root, uuid: made.uuid, path: join(world.state, 'projects', made.uuid, 'outbox.db') }
}

/** The same, with a setting of the user's own. */
export async function configured(world) {
  const made = await project(world)
  world.git(made.root, 'config', SETTING, 'kept')
  return made
}

/** The setting stands, and git can read it. */
export function settingFaults(world, root) {
  const args = ['config', '--local', '--get', SETTING]
  const { stdout } = spawnSync('git', args, { cwd: root, env: world.env, encoding: 'utf8' })
  return stdout.trim() === 'kept' ? [] : [`${SETTING} is lost`]
}

/** What such a command says, which must succeed; it is run in this process, as a start takes longer than most commands do. */
export async function done(world, cwd, args) {
  const { runIn } = await import('../dist/cli/run.js')
  const [out, err] = [[], []]
  const to = (said) =>
    new Writable({
      write: (chunk, _, next) => {
        said.push(chunk)
        next()
      },
    })
  const before = process.env
  process.env = { ...world.env }
  try {
    const code = await runIn([...args, '--json'], {
      cwd,
      env: process.env,
      signal: new AbortController().signal,
      stdin: Readable.from([]),
      stdout: to(out),
      stderr: to(err),
      colorDepth: 1,
    })
    if (code === 0) return JSON.parse(out.join(''))
  } finally {
    process.env = before
  }
  throw new Error(`${args.join(' ')} failed: ${out.join('')}${err.join('')}`)
}

/** Native git has nothing to say, and nothing half is left. */
export function wholeFaults(world, root) {
  const complaints = [['fsck', '--strict', '--no-dangling'], ['status'], ['worktree', 'list']]
  const said = complaints.flatMap((args) => {
    const { status, stderr } = spawnSync('git', args, {
      cwd: root,
      env: world.env,
      encoding: 'utf8',
    })
    return status === 0 ? [] : [`git ${args[0]}: ${stderr.trim()}`]
  })
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return [
    ...said,
    ...names
      .filter((name) => STRAY.test(name) && !OF_NO_ONE.test(name))
      .map((name) => `left: ${name}`),
  ]
}

/** The outbox is whole, and has these. */
export function storeFaults(path, ids) {
  const damage = databaseFaults(path)
  if (damage.length > 0) return damage
  const found = new Set(ask(path, 'SELECT event_id FROM event'))
  return ids.filter((id) => !found.has(id)).map((id) => `${id} is lost`)
}

export function databaseFaults(path) {
  if (!existsSync(path)) return [`${path} is not there`]
  try {
    const [said] = ask(path, 'PRAGMA integrity_check')
    return said === 'ok' ? [] : [`${path}: ${said}`]
  } catch (error) {
    return [`${path}: ${error.code}`]
  }
}

/** The first column of what a database says. */
export function ask(path, sql, ...given) {
  const db = new Database(path, { readonly: true })
  try {
    return db
      .prepare(sql)
      .pluck()
      .all(...given)
  } finally {
    db.close()
  }
}

/** A hub that knows whoever comes; it holds no process up. */
export async function knowingHub() {
  knower ??= await new Promise((resolve) => {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ team_slug: 'coast', user: 'keeper', expires_at: null }))
    })
    server.listen(0, '127.0.0.1', () => resolve(server)).unref()
  })
  return `http://127.0.0.1:${knower.address().port}`
}
