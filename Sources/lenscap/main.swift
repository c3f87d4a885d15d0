internal import CommandLineProgram

CommandLineProgram.main()
