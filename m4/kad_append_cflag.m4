dnl KAD_APPEND_CFLAG(VARIABLE, FLAG): append FLAG to VARIABLE when the compiler takes it.
AC_DEFUN([KAD_APPEND_CFLAG],
  [AC_MSG_CHECKING([whether $CC accepts $2])
   kad_saved_cflags=$CFLAGS
   CFLAGS="$CFLAGS -Werror $2"
   AC_COMPILE_IFELSE([AC_LANG_PROGRAM([],[])],
     [AC_MSG_RESULT([yes])
      $1="${$1:+$$1 }$2"],
     [AC_MSG_RESULT([no])])
   CFLAGS=$kad_saved_cflags])
