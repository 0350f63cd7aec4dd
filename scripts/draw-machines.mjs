#!/usr/bin/env node
// Draws every machine of dist/actors as a Mermaid state diagram in docs/machines, or in the folder after --into; with
// --check nothing is written, and a drawing that is missing, stale or of no machine ends it with exit code 1.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './prepare.mjs'

const actors = join(root, 'dist/actors')
const args = process.argv.slice(2)
const into = args.indexOf('--into')
const folder = into === -1 ? join(root, 'docs/machines') : resolve(args[into + 1])

const textByName = await drawAll()
const present = existsSync(folder) ? readdirSync(folder) : []
const surplus = present.filter((name) => !textByName.has(name))
const stale = [...textByName].filter(
  ([name, text]) => !present.includes(name) || read(name) !== text,
)
if (args.includes('--check')) {
  const wrong = [...stale.map(([name]) => name), ...surplus].sort((a, b) => (a < b ? -1 : 1))
  if (wrong.length > 0) {
    console.error(`drawings: stale, run \`npm run draw\`:\n${wrong.join('\n')}`)
    process.exit(1)
  }
} else {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of stale) writeFileSync(join(folder, name), text)
  for (const name of surplus) rmSync(join(folder, name))
}

async function drawAll() {
  const drawn = new Map()
  const files = readdirSync(actors).filter((name) => name.endsWith('.machine.js'))
  for (const file of files.sort()) {
    for (const value of Object.values(await import(pathToFileURL(join(actors, file)).href))) {
      if (typeof value !== 'object' || value?.root === undefined) continue
      drawn.set(`${value.id}.mmd`, draw(value))
    }
  }
  return drawn
}

// A checkout may have put other line ends in.
function read(name) {
  return readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n')
}

function draw(machine) {
  const lines = ['stateDiagram-v2']
  nodes(machine.root, '  ', lines)
  edges(machine.root, lines)
  return `${lines.join('\n')}\n`
}

function nodes(node, indent, lines) {
  const children = Object.values(node.states)
  const regions = node.type === 'parallel'
  for (const [at, child] of children.entries()) {
    if (regions && at > 0) lines.push(`${indent}--`)
    const inner = Object.keys(child.states).length > 0
    lines.push(`${indent}state "${child.key}" as ${name(child)}${inner ? ' {' : ''}`)
    if (inner) {
      nodes(child, `${indent}  `, lines)
      lines.push(`${indent}}`)
    }
    if (child.type === 'final') lines.push(`${indent}${name(child)} --> [*]`)
  }
  const initial = regions ? [] : (node.initial?.target ?? [])
  for (const target of initial) lines.push(`${indent}[*] --> ${name(target)}`)
}

function edges(node, lines) {
  for (const transitions of [...node.transitions.values(), node.always ?? []]) {
    for (const transition of transitions) {
      const label = `${eventName(transition.eventType)}${guard(transition.guard)}`
      for (const target of transition.target ?? []) {
        if (node.parent === undefined) continue
        lines.push(`  ${name(node)} --> ${name(target)} : ${label}`)
      }
    }
  }
  for (const child of Object.values(node.states)) edges(child, lines)
}

function name(node) {
  return node.id.replace(/[^A-Za-z0-9]/g, '_')
}

function eventName(type) {
  if (type === '') return 'always'
  const after = /^xstate\.after\.(.+?)\.[^.]+(\..*)?$/.exec(type)
  return after === null ? type : `after ${after[1]}`
}

function guard(value) {
  if (value === undefined) return ''
  return ` [${typeof value === 'string' ? value : (value.type ?? value.name ?? 'guard')}]`
}
