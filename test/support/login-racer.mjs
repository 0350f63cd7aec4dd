/** One of several processes that replace the same login at once; prints whether it did. */
import { writeLogin } from '#dist/project/login/login.js'

const [state, replaces, team_slug] = process.argv.slice(2)
// All of them start with what stood before any of them came.
process.stdin.once('data', () => {
  try {
    writeLogin(
      state,
      { hub: 'https://hub.example', token: `token_of_${team_slug}`, team_slug },
      { replaces },
    )
    console.log('stored')
  } catch (error) {
    console.log(error.code)
  }
  process.exit()
})
console.log('ready')
