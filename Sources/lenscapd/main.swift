internal import AuthorityProgram

AuthorityProgram.main()
