#!/usr/bin/env node
// `npm start`: installs and builds what is missing, then runs a real mission in a real repository with the embedded hub.
import { prepare } from './prepare.mjs'

prepare()
const { firstRun } = await import('./first-run.mjs')
process.exitCode = await firstRun(process.argv.slice(2))
