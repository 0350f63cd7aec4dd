#!/usr/bin/env node
// Runs the whole suite on another Node, taken from the registry's `node` package, in a folder of its own.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { root } from './prepare.mjs'

const major = process.argv[2]
if (!/^\d+$/.test(major ?? '')) {
  console.error('usage: test-on-node.mjs MAJOR')
  process.exit(2)
}
const folder = join(root, '.cache', `node${major}`)
const project = join(folder, 'kittiwake')
mkdirSync(folder, { recursive: true })
// The package's own install step puts the binary in place.
writeFileSync(
  join(folder, 'package.json'),
  `${JSON.stringify({ private: true, allowScripts: { node: true } })}\n`,
)
execute('npm', ['install', '--no-audit', '--no-fund', '--no-save', `node@${major}`], folder, {})

const home = join(folder, 'node_modules', 'node')
const system = process.platform === 'win32' ? 'win' : process.platform
const env = {
  PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH}`,
  // The package brings its own headers: the SQLite binding is built against them.
  npm_config_nodedir: join(home, 'node_modules', `node-${system}-${process.arch}`),
}
// What is installed there stays: the SQLite binding takes long to compile.
mkdirSync(project, { recursive: true })
for (const name of readdirSync(project)) {
  if (name !== 'node_modules') rmSync(join(project, name), { recursive: true, force: true })
}
const files = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
for (const file of files.stdout
  .split('\0')
  .filter((name) => name !== '' && existsSync(join(root, name)))) {
  mkdirSync(dirname(join(project, file)), { recursive: true })
  cpSync(join(root, file), join(project, file))
}
const shared = join(root, '..', 'shared')
const linked = join(folder, 'shared')
if (existsSync(shared) && !existsSync(linked)) symlinkSync(shared, linked, 'dir')
// A repository of its own: the tools must not take the ignored folder that it stands in as a reason to look away.
execute('git', ['init', '-q'], project, {})
execute(join(home, 'bin', 'node'), ['scripts/test.mjs'], project, env)

function execute(command, args, cwd, extra) {
  const { status, error } = spawnSync(command, args, {
    cwd,
    shell: process.platform === 'win32' && command === 'npm',
    stdio: 'inherit',
    env: { ...process.env, ...extra },
  })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}
