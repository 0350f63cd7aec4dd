// Makes a fresh clone ready: installs what is missing, builds always, so that dist is never stale.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

export function prepare() {
  if (!isInstalled()) {
    console.error(
      'Installing dependencies (the SQLite binding is compiled where no prebuilt one fits) …',
    )
    // Not `npm ci`: it insists on the optional binaries of every platform, which not every registry has.
    run('npm', ['install', '--no-save', ...beyondTheLock(), '--no-audit', '--no-fund'], {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, ...ownHeaders() },
    })
  }
  run(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: ['ignore', 2, 2] })
}

/**
 * The lock names the SQLite binding of the oldest Node, 12, which ends a newer one at times when a thread is closed.
 * From Node 22 on the range of package.json decides, and gives 13, as it does for whoever installs the package.
 */
function beyondTheLock() {
  return isNewer() ? ['--no-package-lock'] : []
}

function isNewer() {
  return Number(process.versions.node.split('.')[0]) >= 22
}

/** Where this Node brings its own headers, the binding is compiled against them and nothing is fetched. */
function ownHeaders() {
  const home = join(dirname(process.execPath), '..')
  const known = process.env.npm_config_nodedir !== undefined
  return known || !existsSync(join(home, 'include/node/node.h')) ? {} : { npm_config_nodedir: home }
}

/** Runs a command in the project's folder; its failure ends this process with its exit code. */
export function run(command, args, options = {}) {
  const shell = process.platform === 'win32' && command === 'npm'
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell,
    ...options,
  })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** The script of a development tool, for `node`: the shims beside it differ from system to system. */
export function tool(name) {
  const home = join(root, 'node_modules', PACKAGE_BY_TOOL[name] ?? name)
  const { bin } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  return join(home, typeof bin === 'string' ? bin : bin[name])
}

const PACKAGE_BY_TOOL = { attw: '@arethetypeswrong/cli', tsc: 'typescript' }

/** Whether every package that the lock names is there in that version; those for other platforms may be missing. */
function isInstalled() {
  const there = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (there === null) return false
  if (isNewer()) return true
  const locked = readPackages(join(root, 'package-lock.json')) ?? {}
  return Object.entries(locked).every(
    ([path, { version, optional }]) =>
      path === '' || optional === true || there[path]?.version === version,
  )
}

function readPackages(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : null
}
